"""ν against d_z: a planted trend comes back with an interval; ours beside the papers'."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis import published
from analysis.errors import AnalysisError, TooFewRows
from analysis.laws.coverage import MEASURED, simulate
from analysis.laws.coverage import SIGMA as DIGITS
from analysis.laws.equal_exponents import equal_exponents
from analysis.laws.powerlaw import Law
from analysis.laws.scaling import scaling
from analysis.laws.trend_errors import trend_errors
from analysis.published.cells import cells
from analysis.published.exponents import exponent_beside
from analysis.published.replication import values_beside
from analysis.statistics.batched import slopes

SIGMA = np.linspace(0.1, 0.9, 9)  # of the paper


def sweep(trend: float = 0.1, seeds: int = 4) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = [
        {
            "trial": f"{d_z}-{seed}-{s:g}",
            "status": "finished",
            "role": "declared",
            "model": "sigma_vae",
            "data": "mnist",
            "d_z": d_z,
            "seed": seed,
            "sigma": s,
            "epochs": 100,
            "test/kl": 20
            * s ** -(1 + trend * np.log(d_z / 10))
            * np.exp(0.01 * rng.standard_normal()),
        }
        for d_z in (10, 20, 40, 80)
        for seed in range(seeds)
        for s in SIGMA
    ]
    return pd.DataFrame(rows)


def at_rest(trials: pd.DataFrame, fall: float = 0.0) -> pd.DataFrame:
    """A history in which log KL ∝ −log σ falls by `fall` an epoch until the end of training."""
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "trial": trials["trial"],
                    "seed": trials["seed"].astype(float),
                    "metric": "test/kl",
                    "step": epoch,
                    "value": trials["test/kl"] * trials["sigma"] ** -(fall * (100 - epoch)),
                }
            )
            for epoch in range(10, 101, 10)
        ],
        ignore_index=True,
    )


@pytest.mark.parametrize(
    ("fall", "says"),
    [
        (0.0, "so a dependence is established."),
        (0.001, "so a dependence is seen; after 100 epochs, when 4 of 4 laws are drifting."),
        (0.02, "; no claim, for 4 of 4 laws are not trained after 100 epochs."),
        (None, "so a dependence is seen; as given, training length unknown."),
    ],
)
def test_training_licenses_the_trend(fall: float | None, says: str) -> None:
    trials = sweep()
    history = None if fall is None else at_rest(trials, fall)
    assert scaling(trials, Law(), history=history).sentence().endswith(says)


def own_seeds(trials: pd.DataFrame) -> pd.DataFrame:
    """The same with other seeds at each d_z."""
    return trials.assign(seed=trials["seed"] + 10 * trials["d_z"])


@pytest.mark.parametrize(
    ("trials", "how"),
    [(sweep(), "paired over 4 seeds"), (own_seeds(sweep()), "Welch over 16 independent seeds")],
    ids=["shared", "disjoint"],
)
def test_planted_trend_is_recovered(trials: pd.DataFrame, how: str) -> None:
    found = scaling(trials, Law())
    assert found.values == (10, 20, 40, 80)
    assert found.trend.low < 0.1 < found.trend.high
    assert found.trend.value == pytest.approx(0.1, abs=0.01)
    assert "a dependence is seen" in found.sentence()
    assert how in found.sentence()
    assert list(found.table()["d_z"]) == [10, 20, 40, 80]
    json.dumps(found.to_json(), allow_nan=False)


@pytest.mark.parametrize("change", [lambda rows: rows, own_seeds], ids=["shared", "disjoint"])
def test_a_trend_allows_for_the_looks_between_seeds(
    change: Callable[[pd.DataFrame], pd.DataFrame],
) -> None:
    trials = change(sweep())
    plain, told = (scaling(trials, Law(looked=one)).trend for one in (False, True))
    wider = stats.t.isf(0.0125, told.df) / stats.t.isf(0.025, told.df)
    assert (told.high - told.low) / (plain.high - plain.low) == pytest.approx(wider)
    assert told.p == pytest.approx(2 * plain.p)


@pytest.mark.parametrize("change", [lambda rows: rows, own_seeds], ids=["shared", "disjoint"])
def test_one_seed_at_each_value_has_no_error_and_no_trend(
    change: Callable[[pd.DataFrame], pd.DataFrame],
) -> None:
    found = scaling(change(sweep(seeds=1)), Law())
    assert found.sentence().endswith("; of one seed each: no error, so no trend is tested.")
    assert math.isnan(found.p)
    assert found.table()[["low", "high"]].isna().all(axis=None)
    json.dumps(found.to_json(), allow_nan=False)


def test_two_values_with_seeds_of_their_own_are_a_trend_by_welch() -> None:
    trials = own_seeds(sweep(trend=0.0, seeds=3)).query("d_z in (20, 80)")
    trend = scaling(trials, Law()).trend
    [pair] = equal_exponents(trials, Law(), "d_z").pairs
    assert (trend.value * math.log(4), trend.se * math.log(4), trend.df, trend.p) == pytest.approx(
        (-pair.difference.value, pair.difference.se, pair.difference.df, pair.p)
    )


def test_seeds_that_some_values_share_are_no_independent_ones() -> None:
    """Seeds of 10 and 20, and other ones of 40 and 80: the test compares two sets of seeds."""
    trials = sweep(trend=0.0, seeds=3)
    later = trials["d_z"] > 20
    trials.loc[later, "seed"] += 10
    shift = np.random.default_rng(1).normal(0, 0.1, 20)[trials["seed"]]
    trials["test/kl"] *= trials["sigma"] ** -shift  # ν of a seed, the same at each of its d_z
    trend = scaling(trials, Law()).trend
    by_seed = equal_exponents(trials, Law(), "d_z").pairs
    x = np.log([10, 20, 40, 80])
    c = (x - x.mean()) / ((x - x.mean()) @ (x - x.mean()))
    kl = trials.set_index(["d_z", "seed", "sigma"])["test/kl"].unstack()
    nus = pd.Series(-slopes(np.log(SIGMA), np.log(kl.to_numpy())), kl.index).unstack("d_z")
    low = nus[[10, 20]].dropna() @ c[:2]
    high = nus[[40, 80]].dropna() @ c[2:]
    welch = stats.ttest_ind(high, -low, equal_var=False)
    assert (trend.p, trend.df) == pytest.approx((welch.pvalue, welch.df))
    assert trend.value == pytest.approx(low.mean() + high.mean())
    assert "Welch over 6 independent seeds" in trend.method
    assert sum("paired" in pair.sentence() for pair in by_seed) == 2


def test_a_value_of_one_seed_allows_no_trend() -> None:
    trials = own_seeds(sweep()).query("d_z != 40 or seed == 400")
    found = scaling(trials, Law())
    assert "a trend needs two seeds or more at every value of d_z" in found.sentence()
    assert "established" not in found.sentence()
    assert math.isnan(found.p)


def bent(without: int) -> pd.DataFrame:
    """Each seed has one bent curve at both d_z; the last lacks as many of the smallest σ."""
    trials = sweep(trend=0.0).query("d_z in (10, 80)")
    u = np.log(trials["sigma"])
    curve = np.log(20) - u - 0.3 * u**2 + 0.02 * trials["seed"] * u
    noise = 0.003 * np.random.default_rng(2).standard_normal(len(trials))
    trials["test/kl"] = np.exp(curve + noise)
    return trials[(trials["d_z"] == 10) | (trials["sigma"] > SIGMA[without] - 0.01)]


@pytest.mark.parametrize("change", [lambda rows: rows, own_seeds], ids=["shared", "disjoint"])
def test_a_trend_is_of_one_range(change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    found = scaling(change(bent(without=2)), Law(), "d_z")
    first, last = found.laws
    assert last.nu - first.nu > 0.1, "over its own range"
    assert found.trend.low < 0 < found.trend.high
    assert found.sentence().startswith("ν by d_z, each over its own range: ")
    assert (
        "changes ν over the 7 values of σ that all have, on average over d_z from 10 to 80, by "
        in found.sentence()
    )
    assert "range" not in scaling(change(bent(without=0)), Law(), "d_z").sentence()


def test_no_trend_is_said_to_be_no_proof_of_an_equal_exponent() -> None:
    """ν rises by 0.3 up to the third d_z, and falls again."""
    trials = sweep(trend=0.0)
    trials["test/kl"] *= trials["sigma"] ** -trials["d_z"].map({10: 0, 20: 0.3, 40: 0.3, 80: 0})
    said = scaling(trials, Law(), history=at_rest(trials)).sentence()
    assert "Doubling d_z changes ν, on average over d_z from 10 to 80, by " in said
    assert "; p = " in said
    assert said.endswith(
        ", so a change on average is not established, which does not show ν to be the same "
        "throughout (a rise and a fall cancel; tests of each pair would see them)."
    )


def test_a_trend_of_ranges_that_hardly_meet_is_refused() -> None:
    trials = bent(without=5)
    trials = trials[(trials["d_z"] == 80) | (trials["sigma"] < 0.75)]
    found = scaling(trials, Law(), "d_z")
    said = "fewer than three values of σ in common, so no trend is tested."
    assert found.sentence().endswith(said)
    assert math.isnan(found.p)


@pytest.mark.parametrize("count", [3, 4, 5, 6])
def test_a_trend_over_disjoint_seeds_errs_as_it_says(count: int) -> None:
    """With two seeds less often, as Welch's test does; by weights 1/se² in up to a quarter."""
    rng = np.random.default_rng(count)
    for seeds in (2, 3, 5, 10):
        y = np.stack([simulate(MEASURED, seeds, 10_000, rng) for _ in range(count)])
        before, now = trend_errors(np.log(DIGITS), y)
        assert (0.015 if seeds == 2 else 0.03) < now < 0.07
        assert before > {3: 0.07, 4: 0.12, 5: 0.16, 6: 0.2}[count] or seeds > 2


def test_simulated_trends_are_those_of_the_reports() -> None:
    rng = np.random.default_rng(5)
    y = np.stack([simulate(MEASURED, 3, 60, rng) for _ in range(3)])
    index = pd.MultiIndex.from_product([(8, 16, 32), range(60), range(3), DIGITS])
    rows = pd.Series(np.exp(y).ravel(), index.set_names(["d_z", "sweep", "seed", "sigma"]))
    trials = own_seeds(rows.rename("test/kl").reset_index())
    told = [scaling(one, Law(), "d_z").p < 0.05 for _, one in trials.groupby("sweep")]
    assert 0 < np.mean(told) == trend_errors(np.log(DIGITS), y)[1]


def test_no_trend_is_not_established() -> None:
    trials = sweep(trend=0.0)
    found = scaling(trials, Law(), history=at_rest(trials))
    assert "not established" in found.sentence()


def test_values_without_a_law_are_named() -> None:
    frame = sweep()
    frame.loc[frame["d_z"] == 20, "test/kl"] = np.nan
    found = scaling(frame, Law())
    assert list(found.left_out) == [20]
    assert found.values == (10, 40, 80)
    with pytest.raises(TooFewRows, match="two or more values of d_z"):
        scaling(frame[frame["d_z"] <= 20], Law())
    with pytest.raises(AnalysisError, match="no trial has 'depth'"):
        scaling(frame, Law(), over="depth")


def replica(shift: float = 0.0, **change: object) -> pd.DataFrame:
    """Table 1 with seed noise, in the paper's settings unless changed."""
    rng = np.random.default_rng(1)
    table, fixed = published.table("s1_table1"), dict(published.about("s1_table1").settings)
    rows = [
        {
            "status": "finished",
            "role": "declared",
            "seed": seed,
            "sigma": s,
            **fixed,
            **change,
            "test/kl": kl * np.exp(shift + 0.02 * rng.standard_normal()),
        }
        for seed in range(5)
        for s, kl in zip(table["sigma"], table["kl"], strict=True)
    ]
    return pd.DataFrame(rows)


def test_a_true_replication_agrees_and_says_that_settings_do() -> None:
    found = exponent_beside(replica(), "s1_table1")
    assert abs(found.t) < 2
    assert not found.differs
    assert "every setting that is known of the paper's is ours too" in found.sentence()
    values = values_beside(replica(shift=0.2), "s1_table1")
    assert len(values) == 9
    assert all(value.t > 2 for value in values)
    assert json.dumps([value.to_json() for value in values], allow_nan=False)


@pytest.mark.parametrize(("seeds", "tested"), [(5, True), (1, False)])
def test_part_of_a_published_curve_is_compared_with_that_part(seeds: int, tested: bool) -> None:
    """Table 1 bends: ν of its four smallest σ is 0.98, and of all 1.15."""
    part = replica().query("sigma < 0.45").query(f"seed < {seeds}")
    found = exponent_beside(part, "s1_table1")
    assert found.paper == pytest.approx(0.983, abs=0.001)
    assert " over the 4 values of σ that both have: the paper has 0.983" in found.sentence()
    assert found.to_json()["range"] == "over the 4 values of σ that both have"
    assert found.ours.value == pytest.approx(found.paper, abs=0.03)
    assert (found.p > 0.2) if tested else math.isnan(found.p)


def test_other_sigmas_are_compared_within_the_range_of_both() -> None:
    ours = replica().query("sigma < 0.55")
    ours = ours.assign(sigma=ours["sigma"] + 0.05)
    found = exponent_beside(ours, "s1_table1")
    said = " over σ from 0.15 to 0.55 (ours) and from 0.2 to 0.5 (the paper's): the paper has "
    assert said in found.sentence()
    assert math.isfinite(found.p)
    more = exponent_beside(
        pd.concat([ours, ours.query("sigma < 0.2").assign(sigma=0.03)]), "s1_table1"
    )
    said = " over σ from 0.15 to 0.55 (ours) and from 0.1 to 0.5 (the paper's): the paper has "
    assert said in more.sentence()
    assert more.ours.value == pytest.approx(found.ours.value)


def test_a_published_curve_that_hardly_meets_ours_is_not_tested() -> None:
    found = exponent_beside(replica().assign(sigma=lambda rows: 0.3 * rows["sigma"]), "s1_table1")
    assert (
        "not tested: 6 of our values of σ are within the range of the table, and 2 of its values "
        "within ours; 3 of each are needed"
    ) in found.sentence()
    assert math.isnan(found.p)
    assert found.to_json()["difference"]["value"] is None


def test_nothing_is_claimed_beside_a_published_number_of_trials_that_are_not_trained() -> None:
    ours = replica().assign(training="converged")
    ours.loc[(ours["sigma"] == 0.1) & (ours["seed"] == 0), "training"] = "not trained"
    of_law = exponent_beside(ours, "s1_table1")
    assert "; no claim, for 1 of its " in of_law.sentence()
    first, second, *_ = values_beside(ours, "s1_table1")
    assert "; no claim, for 1 of 5 trials is not trained" in first.sentence()
    assert first.to_json()["training"] in first.sentence()
    assert second.training == ""
    drifting, *_ = values_beside(ours.assign(training="drifting", epoch=100), "s1_table1")
    assert "; after 100 epochs, when 5 of 5 trials are drifting" in drifting.sentence()


def test_other_settings_are_named_honestly() -> None:
    found = exponent_beside(replica(epochs=20, data="digits"), "s1_table1")
    assert found.differs == {"data": ("digits", "mnist"), "epochs": (20, 100)}
    assert "no replication, for the settings differ" in found.sentence()
    assert "epochs 20, there 100" in found.sentence()


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("data_limit", 10000),
        ("data_validation", 5000),
        ("channels", "[16, 32]"),
        ("nonlinearity", "tanh"),
        ("precision", "bfloat16"),
        ("eps", 1e-4),
        ("decoder", 500),
    ],
)
def test_no_setting_is_passed_over(name: str, ours: object) -> None:
    found = exponent_beside(replica(**{name: ours}), "s1_table1")
    assert list(found.differs) == [name]
    assert "no replication" in found.sentence()


@pytest.mark.parametrize(
    ("seeds", "said"),
    [(1, "a difference without an error: one seed"), (2, "two seeds: not tested")],
)
def test_one_seed_or_two_have_no_test_of_a_single_value(seeds: int, said: str) -> None:
    value, *_ = values_beside(replica().query(f"seed < {seeds}"), "s1_table1")
    assert np.isnan(value.t)
    assert value.difference.value == value.ours.value - value.paper
    assert said in value.sentence()
    assert json.dumps(value.to_json(), allow_nan=False)


def test_what_has_no_counterpart_is_refused() -> None:
    with pytest.raises(AnalysisError, match="laws can be fitted to s1_table1"):
        exponent_beside(replica(), "d_table1")
    with pytest.raises(AnalysisError, match="no finished trial is of a number of d_table2"):
        values_beside(replica().assign(**{"test/objective_full": -90.0}), "d_table2")
    for change in ({"sigma": 0.15}, {"data": "digits"}, {"model": "alpha_vae"}, {"beta": 4.0}):
        with pytest.raises(AnalysisError, match="of a number of s1_table1"):
            values_beside(replica().assign(**change), "s1_table1")


def test_a_difference_is_tested_with_the_degrees_of_freedom_of_the_seeds() -> None:
    found, *_ = values_beside(replica(shift=0.02), "s1_table1")
    ours = replica(shift=0.02).query("sigma == 0.1")["test/kl"]
    t = (ours.mean() - 108) / (ours.std(ddof=1) * np.sqrt(1 + 1 / 5))  # the paper's is one run
    p = 2 * stats.t.sf(abs(t), 4)
    assert (found.t, found.difference.p) == pytest.approx((t, p))
    assert found.difference.df == 4
    assert "t with 4 degrees of freedom" in found.sentence()


def test_the_loss_over_latents_is_told_beside_uvb_s_test_loss_and_not_tested() -> None:
    (cell,) = [
        one
        for one in cells("s2_table2")
        if one.where["model"] == "uvb" and one.where["sigma"] == 1.0 and "test" in one.name
    ]
    fixed = dict(published.about("s2_table2").settings) | {**cell.where, **cell.settings}
    row = {"status": "finished", "role": "declared", **fixed}
    losses = [
        row | {"seed": seed, "test/denoise_one": 15 + 0.1 * seed, "test/denoise": 27.43}
        for seed in range(3)
    ]
    (found,) = values_beside(pd.DataFrame(losses), "s2_table2")
    assert found.quantity.endswith("test (one latent, as published)")
    assert found.ours.value == pytest.approx(15.1)
    told = "with ∇f averaged over latents ours is 27.43, which the paper does not print"
    assert found.beside == told
    assert f"; {told};" in found.sentence()
    (bare,) = values_beside(pd.DataFrame(losses).drop(columns="test/denoise"), "s2_table2")
    assert not bare.beside
    with pytest.raises(AnalysisError):
        values_beside(pd.DataFrame(losses).drop(columns="test/denoise_one"), "s2_table2")


def test_trials_of_one_number_that_differ_are_compared_group_by_group() -> None:
    both = pd.concat([replica(), replica(epochs=20)])
    first, second, *_ = values_beside(both, "s1_table1")
    assert (first.quantity, second.quantity) == (
        "KL of the σ-VAE on MNIST at σ = 0.1 [epochs = 100]",
        "KL of the σ-VAE on MNIST at σ = 0.1 [epochs = 20]",
    )
    assert not first.differs
    assert second.differs == {"epochs": (20, 100)}
