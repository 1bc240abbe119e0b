"""Comparisons: Welch's interval, Hedges' g, Holm, and the refusal to rank `elbo` across σ."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from analysis.comparisons.compare import compare, compare_all
from analysis.comparisons.comparison import Groups
from analysis.comparisons.ranking import rank
from analysis.errors import AnalysisError, NotComparable, TooFewRows, UnknownName, UnusableValues
from analysis.laws.law import Law, points
from analysis.report.parts.compared import Compared, shown
from analysis.report.templating import environment
from analysis.sources.rows import require_column
from analysis.statistics.means import hedges, hedges_paired, paired, proportion_interval


def sweep(seeds: int = 6, gap: float = 0.0, noise: int = 5) -> pd.DataFrame:
    rng = np.random.default_rng(noise)
    rows: list[dict[str, Any]] = [
        {
            "trial": f"{network}{sigma}{seed}",
            "status": "finished",
            "role": "declared",
            "model": "sigma_vae",
            "network": network,
            "sigma": sigma,
            "beta": 1.0,
            "seed": seed,
            "test/kl": 10 + gap * (network == "mlp") + rng.standard_normal(),
            "test/elbo": -20 + rng.standard_normal(),
            "test/elbo_full": 5 + rng.standard_normal(),
        }
        for network in ("conv", "mlp")
        for sigma in (0.1, 0.2, 0.3)
        for seed in range(seeds)
    ]
    return pd.DataFrame(rows)


GROUPS = Groups({"network": "conv"}, {"network": "mlp"})


def apart(frame: pd.DataFrame) -> pd.DataFrame:
    """The same numbers, but the seeds of the two networks are disjoint."""
    return frame.assign(seed=frame["seed"] + 100 * (frame["network"] == "mlp"))


def test_disjoint_seeds_are_compared_by_welch_and_hedges() -> None:
    frame = apart(sweep())
    found = compare(frame, GROUPS, ["test/kl"])
    assert [one.setting for one in found] == [{"sigma": 0.1}, {"sigma": 0.2}, {"sigma": 0.3}]
    a, b = (frame.query(f"network == '{n}' and sigma == 0.1")["test/kl"] for n in ("conv", "mlp"))
    theirs = stats.ttest_ind(a, b, equal_var=False)
    interval = theirs.confidence_interval(1 - 0.05 / 3)
    ours = found[0].difference
    assert (ours.value, ours.p) == pytest.approx((a.mean() - b.mean(), theirs.pvalue))
    assert (ours.low, ours.high) == pytest.approx((interval.low, interval.high))
    d = (a.mean() - b.mean()) / np.sqrt((a.var() + b.var()) / 2)
    assert found[0].effect.value == pytest.approx(d * (1 - 3 / 39))
    assert "(95 % simultaneous; Welch, 6 and 6 seeds: " in found[0].sentence()


def test_common_seeds_are_compared_in_pairs() -> None:
    frame = sweep().query("sigma == 0.1")
    (ours,) = compare(frame.sample(frac=1, random_state=0), GROUPS, ["test/kl"])
    a, b = (frame.query(f"network == '{n}'").sort_values("seed") for n in ("conv", "mlp"))
    theirs = stats.ttest_rel(a["test/kl"], b["test/kl"])
    assert "Holm" not in ours.sentence(), "one comparison alone is not corrected"
    interval = theirs.confidence_interval(0.95)
    assert ours.difference.p == pytest.approx(theirs.pvalue)
    assert (ours.difference.low, ours.difference.high) == pytest.approx(tuple(interval))
    assert "(95 %; paired, 6 seeds: " in ours.sentence()


@pytest.mark.parametrize(
    ("first", "second", "design"),
    [
        (range(5), range(5), "paired, 5 seeds"),
        (range(5), range(2, 7), "paired, 3 of 5 seeds"),
        (range(5), range(2, 6), "paired, 3 of 5 and 4 seeds"),
        (range(5), range(4, 9), "Welch, 5 and 5 seeds"),
        (range(5), range(3, 9), "Welch, 5 and 6 seeds"),
        (range(2), range(9), "Welch, 2 and 9 seeds"),
    ],
)
def test_pairs_take_half_of_the_seeds_of_each_side(
    first: range, second: range, design: str
) -> None:
    frame = sweep(9).query("sigma == 0.1")
    of = {"conv": first, "mlp": second}
    kept = frame[
        [seed in of[net] for net, seed in zip(frame["network"], frame["seed"], strict=True)]
    ]
    (found,) = compare(kept, GROUPS, ["test/kl"])
    assert found.design == design


def test_what_seeds_share_cancels() -> None:
    """Seeds that move both sides together, correlation 0.96: a planted 0.5 is found in pairs."""
    rng = np.random.default_rng(2)
    frame = sweep(8).query("sigma == 0.1")
    level = 5 * rng.standard_normal(8)[frame["seed"]]
    frame = frame.assign(**{"test/kl": lambda f: level + 0.1 * f["test/kl"]})
    frame.loc[frame["network"] == "mlp", "test/kl"] += 0.5
    (pairs,), (means,) = (compare(one, GROUPS, ["test/kl"]) for one in (frame, apart(frame)))
    halves = [(one.difference.high - one.difference.low) / 2 for one in (pairs, means)]
    assert halves[0] < halves[1] / 10
    assert (pairs.verdict, means.verdict) == ("differ", "not shown to differ")
    assert pairs.effect.value == pytest.approx(means.effect.value, abs=0.02)
    assert pairs.effect.se < means.effect.se / 5


def test_the_effect_of_pairs_is_in_the_average_standard_deviation_of_both_sides() -> None:
    """Pairs that correlate by 1 with standard deviations of 0.03 and 0.11, 0.36 apart."""
    first = np.array([-1.0, 0.1, 0.9, -0.4, 0.4]) * 0.032
    second = first * 3.5 + 0.364 + 1e-4 * np.array([1.0, -1.0, 1.0, -1.0, 0.0])
    found = hedges_paired(first, second)
    average = np.sqrt((first.var(ddof=1) + second.var(ddof=1)) / 2)
    assert found.value == pytest.approx((1 - 3 / 15) * (first - second).mean() / average)
    assert found.value == pytest.approx(hedges(first, second).value, rel=0.15)
    rng = np.random.default_rng(3)
    normal = rng.multivariate_normal([1, 0], [[1, 1.8], [1.8, 4]], (4000, 10))
    each = [hedges_paired(one[:, 0], one[:, 1]) for one in normal]
    true = 1 / np.sqrt(2.5)
    assert np.mean([one.value for one in each]) == pytest.approx(true, abs=0.02)
    assert np.mean([one.low < true < one.high for one in each]) == pytest.approx(0.94, abs=0.04)


def test_two_pairs_have_no_effect_size_and_none_is_printed() -> None:
    (found,) = compare(sweep(2).query("sigma == 0.1"), GROUPS, ["test/kl"])
    assert found.paired
    assert np.isnan(found.effect.value)
    assert "effect size" not in found.sentence()
    (block,) = shown(Compared([found])).blocks
    page = environment().get_template(block.template).render(block=block)
    assert "paired, 2 seeds" in page
    assert "nan" not in page


@pytest.mark.slow
@pytest.mark.parametrize("shared", [0.0, 0.9])
def test_paired_intervals_cover_at_once(shared: float) -> None:
    """Four comparisons of two equal settings each: all four intervals hold in 95 % of sweeps."""
    rng, sweeps, held = np.random.default_rng(7), 2000, 0
    for values in rng.standard_normal((sweeps, 4, 3, 5)):
        both = np.sqrt(shared) * values[:, :1] + np.sqrt(1 - shared) * values[:, 1:]
        found = [paired(one[0], one[1]).simultaneous(4) for one in both]
        held += all(one.low < 0 < one.high for one in found)
    low, high = proportion_interval(held, sweeps)
    assert low < 0.96
    assert high > 0.95


def test_holm_is_that_of_statsmodels() -> None:
    found = compare(sweep(gap=1.0), GROUPS, ["test/kl", "test/elbo"])
    p = [one.difference.p for one in found]
    assert [one.p_holm for one in found] == pytest.approx(multipletests(p, method="holm")[1])


def test_a_planted_difference_is_said_and_none_is_not() -> None:
    large = compare(sweep(gap=5.0), GROUPS, ["test/kl"])
    assert all("differ: difference −" in one.sentence() for one in large)
    none = compare(sweep(), GROUPS, ["test/kl"])
    assert all("are not shown to differ" in one.sentence() for one in none)
    assert json.dumps([one.to_json() for one in large], allow_nan=False)


def test_one_seed_gives_a_difference_without_an_interval() -> None:
    one, *_ = compare(sweep(1), GROUPS, ["test/kl"])
    assert np.isnan(one.difference.low)
    assert "needs two seeds" in one.sentence()
    assert json.dumps(one.to_json(), allow_nan=False)


def test_elbo_is_compared_at_equal_sigma_only() -> None:
    assert compare(sweep(), GROUPS, ["test/elbo"])
    apart = Groups({"sigma": 0.1}, {"sigma": 0.2})
    with pytest.raises(NotComparable, match="test/elbo_full"):
        compare(sweep(), apart, ["test/elbo"])
    assert compare(sweep(), apart, ["test/elbo_full"])


@pytest.mark.parametrize("name", ["test/objective", "test/objective_clean"])
def test_what_holds_beta_is_not_ranked_across_it(name: str) -> None:
    trials = (
        sweep()
        .query("sigma == 0.1")
        .assign(beta=lambda f: np.where(f["seed"] < 3, 1.0, 2.0), **{name: 1.0})
    )
    with pytest.raises(NotComparable, match="different β"):
        rank(trials, name)


@pytest.mark.parametrize(
    ("groups", "metrics", "error"),
    [
        (Groups({"network": "conv"}, {"network": "gru"}), ["test/kl"], UnknownName),
        (Groups({"network": "conv"}, {"sigma": 0.1}), ["test/kl"], AnalysisError),
        (Groups({"netwrok": "conv"}, {"network": "mlp"}), ["test/kl"], AnalysisError),
        (GROUPS, ["test/nll"], AnalysisError),
    ],
)
def test_groups_that_cannot_be_compared(
    groups: Groups, metrics: list[str], error: type[AnalysisError]
) -> None:
    with pytest.raises(error):
        compare(sweep(), groups, metrics)


def test_a_field_that_one_model_lacks_does_not_part_the_settings() -> None:
    frame = sweep()
    frame.loc[frame["network"] == "mlp", ["model", "beta"]] = ["deen", np.nan]
    groups = Groups({"model": "sigma_vae"}, {"model": "deen"}, names=("σ-VAE", "DEEN"))
    found = compare(frame.drop(columns="network"), groups, ["test/kl"])
    assert [one.setting for one in found] == [{"sigma": 0.1}, {"sigma": 0.2}, {"sigma": 0.3}]
    assert "at σ = 0.1: σ-VAE and DEEN" in found[0].sentence()


def test_a_model_without_beta_stands_beside_beta_one() -> None:
    """Rows at other β are no reason to leave the pair out, nor part of it."""
    frame = sweep().drop(columns="network").drop_duplicates(["sigma", "seed"])
    deen = frame.assign(
        model="deen",
        beta=np.nan,
        **{"test/kl": 15.0 + np.random.default_rng(1).standard_normal(len(frame))},
    )
    alias = frame.query("sigma == 0.1").assign(beta=4.0)
    found = compare_all(pd.concat([frame, alias, deen], ignore_index=True), "model", ["test/kl"])
    assert [one.setting for one in found] == [{"sigma": s, "beta": 1.0} for s in (0.1, 0.2, 0.3)]
    assert {(one.n, one.verdict) for one in found} == {((6, 6), "differ")}


def test_a_field_of_the_grid_is_no_metric() -> None:
    for ask in (
        lambda: compare(sweep(), GROUPS, ["model"]),
        lambda: compare_all(sweep(), "network", ["sigma"]),
        lambda: rank(sweep(), "network"),
    ):
        with pytest.raises(UnknownName, match="is no metric; known: test/kl, test/elbo"):
            ask()


@pytest.mark.parametrize(
    ("name", "meant"),
    [("σ", "sigma"), ("kl", "test/kl"), ("elbo_ful", "test/elbo_full"), ("netwrok", "network")],
)
def test_a_name_that_is_not_known_is_guessed(name: str, meant: str) -> None:
    with pytest.raises(UnknownName, match=f"no trial has '{name}'; did you mean '{meant}'"):
        require_column(sweep(), name)


def test_a_metric_that_is_not_known_is_answered_with_metrics() -> None:
    for ask in (lambda: rank(sweep(), "xyz"), lambda: points(sweep(), Law(y="xyz"))):
        with pytest.raises(UnknownName, match="no trial has 'xyz'; known: test/kl, test/elbo"):
            ask()


def test_a_value_that_no_trial_has_is_named() -> None:
    with pytest.raises(UnknownName, match=r"no trial has sigma=0.15 \(sigma is 0.1, 0.2"):
        compare(sweep(), Groups({"sigma": 0.15}, {"sigma": 0.3}), ["test/elbo_full"])


def test_pairs_stand_in_the_order_of_their_values() -> None:
    frame = sweep().query("network == 'mlp'").iloc[::-1]
    found = compare_all(frame, "sigma", ["test/kl"])
    assert [one.groups for one in found] == [
        ("σ = 0.1", "σ = 0.2"),
        ("σ = 0.1", "σ = 0.3"),
        ("σ = 0.2", "σ = 0.3"),
    ]


@pytest.mark.parametrize("gap", [0.0, 5.0])
def test_seeds_that_do_not_scatter_prove_nothing(gap: float) -> None:
    frame = sweep().assign(**{"test/kl": lambda f: 10 + gap * (f["network"] == "mlp")})
    found = [compare(one, GROUPS, ["test/kl"])[0] for one in (frame, apart(frame))]
    assert [one.verdict for one in found] == ["not tested", "not tested"]
    assert [one.difference.value for one in found] == [-gap, -gap]
    assert "the difference is the same in every seed" in found[0].sentence()
    assert "all seeds have the same number" in found[1].sentence()
    assert json.dumps([one.to_json() for one in found], allow_nan=False)


def test_nan_and_repeated_seeds_are_refused() -> None:
    with pytest.raises(UnusableValues, match="missing or not finite in 1 of 6"):
        compare(
            sweep().assign(**{"test/kl": lambda f: f["test/kl"].where(f.index > 0)}),
            GROUPS,
            ["test/kl"],
        )
    with pytest.raises(TooFewRows, match="several trials of one seed"):
        compare(pd.concat([sweep(), sweep()], ignore_index=True), GROUPS, ["test/kl"])


def on_splits(frame: pd.DataFrame, shifts: dict[int, float]) -> pd.DataFrame:
    """The rows once for each split of the data, which moves every KL by as much."""
    return pd.concat(
        [
            frame.assign(
                data_split_seed=split,
                trial=frame["trial"] + f"-{split}",
                **{"test/kl": frame["test/kl"] + shift},
            )
            for split, shift in shifts.items()
        ],
        ignore_index=True,
    )


def test_splits_repeat_a_setting_and_are_no_seeds() -> None:
    frame = sweep()
    found, alone = (
        compare(rows, GROUPS, ["test/kl"]) for rows in (on_splits(frame, {0: -5, 1: 5}), frame)
    )
    assert [one.setting for one in found] == [{"sigma": 0.1}, {"sigma": 0.2}, {"sigma": 0.3}]
    assert [one.n for one in found] == [(6, 6)] * 3
    ends, wanted = (
        np.array([(one.difference.low, one.difference.high) for one in every])
        for every in (found, alone)
    )
    assert np.allclose(ends, wanted)
    assert "paired, 6 seeds, each the mean of 2 splits" in found[0].sentence()
    assert "split" not in alone[0].sentence()


def test_groups_are_compared_on_the_splits_that_both_have() -> None:
    """A split of one group only, which lies 50 higher, is no difference between the groups."""
    conv, mlp = (sweep().query(f"network == '{name}'") for name in ("conv", "mlp"))
    two, three = on_splits(conv, {0: -5, 1: 5}), on_splits(mlp, {0: -5, 1: 5, 2: 50})
    found = compare(pd.concat([two, three], ignore_index=True), GROUPS, ["test/kl"])
    alone = compare(sweep(), GROUPS, ["test/kl"])
    assert [one.difference.value for one in found] == pytest.approx(
        [one.difference.value for one in alone]
    )
    with pytest.raises(TooFewRows, match="no finished trials at a setting in common"):
        compare(
            pd.concat([on_splits(conv, {0: 0.0}), on_splits(mlp, {1: 0.0})], ignore_index=True),
            GROUPS,
            ["test/kl"],
        )


def test_splits_are_compared_where_they_are_the_groups() -> None:
    rows = on_splits(sweep().query("network == 'conv'"), {0: -5.0, 1: 5.0})
    found = compare(rows, Groups({"data_split_seed": 0}, {"data_split_seed": 1}), ["test/kl"])
    assert [one.difference.value for one in found] == pytest.approx([-10.0] * 3)


def test_a_field_that_differs_with_the_groups_is_named() -> None:
    frame = sweep(gap=5.0).assign(model=lambda f: np.where(f["network"] == "mlp", "deen", "vae"))
    found = compare(frame, Groups({"model": "vae"}, {"model": "deen"}), ["test/kl"])
    assert [one.setting for one in found] == [{"sigma": 0.1}, {"sigma": 0.2}, {"sigma": 0.3}]
    assert all("they also differ in network" in one.sentence() for one in found)


def test_a_noise_level_that_differs_with_the_groups_is_no_setting_in_common() -> None:
    frame = sweep().query("(network == 'mlp') == (sigma == 0.1)")
    with pytest.raises(TooFewRows, match="setting in common"):
        compare(frame.query("sigma < 0.3"), GROUPS, ["test/kl"])


def test_all_pairs_share_one_correction() -> None:
    frame = pd.concat(
        [sweep(gap=5.0), sweep(noise=6).query("network == 'mlp'").assign(network="gru")],
        ignore_index=True,
    )
    found = compare_all(frame, "network", ["test/kl"])
    assert len(found) == 9
    p = [one.difference.p for one in found]
    assert [one.p_holm for one in found] == pytest.approx(multipletests(p, method="holm")[1])
    assert {one.verdict for one in found if "mlp" in str(one.groups)} == {"differ"}
    assert {one.verdict for one in found if "mlp" not in str(one.groups)} == {
        "not shown to differ"
    }


def test_pairs_that_lack_the_metric_are_left_out() -> None:
    frame = sweep()
    frame.loc[frame["network"] == "mlp", "test/kl"] = np.nan
    with pytest.raises(TooFewRows, match="no two values of network have test KL"):
        compare_all(frame, "network", ["test/kl"])


def test_models_with_noise_of_two_kinds_are_left_out_of_all_pairs() -> None:
    laplace = sweep().query("network == 'mlp'").rename(columns={"sigma": "alpha"})
    frame = pd.concat(
        [sweep(), laplace.assign(model="alpha_vae", network="conv")], ignore_index=True
    )
    with pytest.raises(NotComparable, match="no common noise level"):
        compare_all(frame, "model", ["test/kl"])


def two_kinds(**second: object) -> pd.DataFrame:
    """Six seeds of the σ-VAE at σ = 0.1 and of another model, with all their metrics."""
    first = sweep().query("network == 'conv' and sigma == 0.1")
    frame = pd.concat([first, first.drop(columns="sigma").assign(**second)], ignore_index=True)
    return frame.assign(
        **{
            "test/recon": frame["test/kl"],
            "test/denoise": frame["test/kl"],
            "test/nll": frame["test/kl"],
        }
    )


MODELS = Groups({"model": "sigma_vae"}, {"model": "alpha_vae"})


@pytest.mark.parametrize(
    ("metric", "says"),
    [("test/recon", "absolute errors"), ("test/denoise", "noise that each decoder imagines")],
)
def test_errors_in_two_units_are_never_compared(metric: str, says: str) -> None:
    frame = two_kinds(model="alpha_vae", alpha=0.1)
    named = Groups({"model": "sigma_vae", "sigma": 0.1}, {"model": "alpha_vae", "alpha": 0.1})
    with pytest.raises(NotComparable, match="no common noise level"):
        compare(frame, MODELS, [metric])
    with pytest.raises(NotComparable, match=says):
        compare(frame, named, [metric])
    with pytest.raises(NotComparable, match=says):
        rank(frame, metric)
    assert compare(frame, named, ["test/nll"])
    assert rank(frame, "test/nll").table["n"].tolist() == [6, 6]
    assert rank(frame.query("model == 'sigma_vae'"), metric).table["n"].tolist() == [6]


def test_a_decoder_is_known_by_its_name_too() -> None:
    frame = two_kinds(model="uvb", sigma=0.1, decoder="laplace")
    groups = Groups({"model": "sigma_vae"}, {"model": "uvb"})
    with pytest.raises(NotComparable, match="absolute errors"):
        compare(frame, groups, ["test/recon"])
    assert compare(frame, groups, ["test/denoise"])


@pytest.mark.parametrize(("sigma", "same"), [(0.1, True), (0.2, False)])
def test_a_decoder_without_noise_denoises_at_its_own_level(sigma: float, same: bool) -> None:
    frame = two_kinds(model="bernoulli_vae").assign(
        sigma=lambda f: f["sigma"].where(f["sigma"].isna(), sigma)
    )
    if same:
        assert compare_all(frame, "model", ["test/denoise"])
        return
    with pytest.raises(NotComparable, match="noise that each decoder imagines"):
        compare_all(frame, "model", ["test/denoise"])
    assert compare_all(frame, "model", ["test/recon"])


def test_what_can_be_compared_is_not_lost_for_what_cannot() -> None:
    third = two_kinds(model="deen", sigma=0.1).query("model == 'deen'")
    frame = pd.concat([two_kinds(model="alpha_vae", alpha=0.1), third], ignore_index=True)
    found = compare_all(frame, "model", ["test/recon"])
    assert [one.groups for one in found] == [("model = deen", "model = sigma_vae")]
