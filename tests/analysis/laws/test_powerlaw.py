"""Planted truths come back; what cannot be fitted is refused in one sentence."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.errors import (
    AnalysisError,
    MixedRows,
    NotComparable,
    TooFewRows,
    UnknownName,
    UnusableValues,
)
from analysis.laws.answer import law_answer
from analysis.laws.powerlaw import Law, PowerLaw, fit, fit_xy
from analysis.laws.sentences import law_doubts

SIGMA = np.linspace(0.03, 0.27, 9)


def planted(
    seeds: int = 5, nu: float = 1.2, bend: float = 0.0, noise: float = 0.02, slope_sd: float = 0.0
) -> pd.DataFrame:
    """A finished sweep with log KL = 1 − ν log σ + bend (log σ − mean)² + noise."""
    rng = np.random.default_rng(7)
    x = np.log(SIGMA)
    rows = []
    for seed in range(seeds):
        slope = nu + slope_sd * rng.standard_normal()
        y = 1 - slope * x + bend * (x - x.mean()) ** 2 + noise * rng.standard_normal(9)
        rows += [
            {
                "trial": f"{seed}-{i}",
                "status": "finished",
                "role": "declared",
                "model": "sigma_vae",
                "network": "conv",
                "beta": 1.0,
                "epochs": 20,
                "seed": seed,
                "sigma": s,
                "test/kl": float(np.exp(v)),
                "test/elbo": -100.0,
            }
            for i, (s, v) in enumerate(zip(SIGMA, y, strict=True))
        ]
    return pd.DataFrame(rows)


LAW = Law("sigma", "test/kl")


def test_planted_exponent_is_recovered() -> None:
    law = fit(planted(), LAW)
    assert law.ci_low < 1.2 < law.ci_high
    assert law.nu == pytest.approx(1.2, abs=0.02)
    assert (law.n, law.n_seeds, law.exponent.df) == (45, 5, 4)
    assert not law.bends
    assert law.exponential_delta_aicc > 10


def test_headline_is_the_t_interval_of_per_seed_slopes() -> None:
    frame = planted(4, slope_sd=0.05)
    nus = [
        -np.polyfit(np.log(g["sigma"]), np.log(g["test/kl"]), 1)[0]
        for _, g in frame.groupby("seed")
    ]
    law = fit(frame, LAW)
    assert law.nu == pytest.approx(np.mean(nus))
    assert law.se == pytest.approx(np.std(nus, ddof=1) / 2)
    assert law.ci_high - law.nu == pytest.approx(3.1824463 * law.se, rel=1e-6)


def test_planted_bend_is_found_and_said() -> None:
    law = fit(planted(bend=-0.2), LAW)
    assert law.curvature == pytest.approx(-0.2, abs=0.03)
    assert law.bends
    assert law.rival is not None
    assert "rejected in favour of a bend" in law.sentence()
    assert f"Of the bent forms the {law.rival.name} fits the mean over seeds" in law.sentence()
    exponents = [point.nu for point in law.local]
    assert exponents == sorted(exponents)
    assert law.local[0].low < 1.2 + 0.4 * (np.log(0.03) - np.log(SIGMA).mean()) < law.local[0].high


@pytest.mark.parametrize("seeds", [1, 2])
@pytest.mark.parametrize("bend", [0.0, -0.2])
def test_one_or_two_seeds_give_no_verdict_on_shape(seeds: int, bend: float) -> None:
    law = fit(planted(seeds, bend=bend), LAW)
    assert not law.shape_tested
    assert (law.bends, law.lacks, law.moved, law.rival) == (False, False, (), None)
    assert np.isnan([one.low for one in law.local]).all()
    assert "The quadratic coefficient of this run's curve" in law.sentence()
    assert "a shape is tested from three seeds on" in law.sentence()
    assert not re.search("bend|Lack|AICc|without", law.sentence())
    told = law.to_json()
    assert (told["curvature_p"], told["bends"], told["rival"]) == (None, False, None)


def test_exact_law_is_not_called_bent() -> None:
    law = fit(planted(3, noise=0.0).assign(**{"test/kl": lambda f: 3 * f["sigma"] ** -0.7}), LAW)
    assert law.nu == pytest.approx(0.7, abs=1e-12)
    assert not law.bends


@pytest.mark.parametrize(
    ("seeds", "says"), [(1, "seed 10 repeats the"), (2, "seeds 10 and 11 repeat the")]
)
def test_copied_seeds_are_named(seeds: int, says: str) -> None:
    frame = planted(seeds)
    law = fit(pd.concat([frame, frame.assign(seed=frame["seed"] + 10)], ignore_index=True), LAW)
    assert says in law.sentence()


@pytest.mark.parametrize("nu", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("seeds", [1, 3])
def test_rounding_is_no_rival_of_an_exact_law(nu: float, seeds: int) -> None:
    """Forms with more parameters fit rounding better, which is no evidence for them."""
    frame = planted(seeds).assign(
        **{"test/kl": lambda f: (3 + f["seed"]) * 1e6 * f["sigma"] ** -nu}
    )
    law = fit(frame, LAW)
    assert min(form.delta_aicc for form in law.forms) == 0.0
    assert not law_doubts(law)


def test_heteroscedastic_noise_leaves_the_estimate_unbiased() -> None:
    rng = np.random.default_rng(3)
    x = np.log(SIGMA)
    y = 1 - 1.2 * x + rng.standard_normal((200, 9)) * np.linspace(0.019, 0.048, 9)
    frame = pd.DataFrame(
        {
            "sigma": np.tile(SIGMA, 200),
            "seed": np.repeat(range(200), 9),
            "test/kl": np.exp(y).ravel(),
        }
    )
    law = fit(frame, LAW)
    assert abs(law.nu - 1.2) < 4 * law.se
    names = [interval.method for interval in law.intervals]
    assert "bootstrap over seeds (BCa)" in names
    assert "HC3 (too narrow when seeds differ)" in names


def test_an_outlier_shows_in_the_influence() -> None:
    frame = planted(5)
    lifted = np.where(frame["sigma"] < 0.04, 1.5, 1.0)
    law = fit(frame.assign(**{"test/kl": frame["test/kl"] * lifted}), LAW)
    assert law.influence[0].nu == pytest.approx(1.2, abs=0.02)
    assert max(law.influence, key=lambda i: abs(i.shift)).x == pytest.approx(0.03)
    assert law.moved[0].x == pytest.approx(0.03)
    assert "ν moves most without σ = 0.03, to 1.195" in law.sentence()


def test_rival_form_wins_where_it_is_true() -> None:
    x = np.linspace(0.1, 0.9, 9)
    rng = np.random.default_rng(1)
    noise = np.exp(0.005 * rng.standard_normal(9))
    exponential = fit_xy(x, 50 * np.exp(-x / 0.3) * noise)
    assert exponential.exponential_delta_aicc < -10
    offset = {f.name: f for f in fit_xy(x, (2 * x**-1.5 + 3) * noise).forms}["offset power"]
    assert offset.parameters["nu"] == pytest.approx(1.5, abs=0.15)
    assert offset.parameters["offset"] == pytest.approx(3, abs=0.5)
    broken = np.where(x < 0.4, x**-0.5, 0.4**1.5 * x**-2.0) * noise
    found = {f.name: f for f in fit_xy(x, broken).forms}["broken power"]
    assert (found.parameters["nu_low"], found.parameters["nu_high"]) == pytest.approx(
        (0.5, 2.0), abs=0.1
    )
    assert found.parameters["x_break"] == pytest.approx(0.4, rel=0.1)


@pytest.mark.parametrize("levels", [3, 4, 5, 9])
def test_repeated_rows_without_seeds_are_fitted(levels: int) -> None:
    frame = planted(4).query("sigma <= @SIGMA[@levels - 1] + 1e-9").drop(columns="seed")
    law, once = fit(frame, LAW), fit(frame.drop_duplicates("sigma"), LAW)
    assert (law.n, law.n_seeds) == (4 * levels, 1)
    assert law.nu == pytest.approx(1.2, abs=0.05)
    assert [form.name for form in law.forms] == [form.name for form in once.forms]
    means = frame.groupby("sigma")["test/kl"].agg(lambda y: np.exp(np.log(y).mean()))
    assert [form.rss for form in law.forms] == pytest.approx(
        [form.rss for form in fit_xy(means.index, means).forms], abs=1e-12
    )


@pytest.mark.parametrize("seeds", [1, 3])
def test_a_metric_that_does_not_change_follows_no_law(seeds: int) -> None:
    law = fit(planted(seeds).assign(**{"test/kl": 7.0}), LAW)
    assert law.nu == pytest.approx(0.0, abs=1e-12)
    assert "is not established" in law.sentence()
    assert "R² = not available" in law.sentence()
    assert "nan" not in law.sentence()
    assert law.to_json()["r2"] is None


def test_no_lack_of_fit_is_no_proof_of_a_line() -> None:
    law = fit(planted(), LAW)
    assert law.lack is not None
    assert law.lack.p > 0.05
    assert "Lack of fit besides a bend is not established, which does not" in law.sentence()
    assert law_doubts(law) == []


def test_what_speaks_against_a_law_is_gathered() -> None:
    crooked = planted(5).assign(
        **{"test/kl": lambda f: f["test/kl"] * np.where(f["sigma"].between(0.1, 0.2), 1.3, 1.0)}
    )
    law = fit(crooked, LAW)
    (lack,) = [text for text in law_doubts(law) if "Lack of fit" in text]
    assert "leave line and bend by more than seeds scatter" in lack
    assert "its points leave the line by more than seeds scatter" in law_answer(law)
    rival = planted(5).assign(
        **{
            "test/kl": lambda f: (
                50
                * np.exp(-f["sigma"] / 0.1)
                * np.exp(0.005 * np.sin(7 * f["seed"] + 900 * f["sigma"]))
            )
        }
    )
    assert any(
        "Of the bent forms the exponential fits the mean" in text
        for text in law_doubts(fit(rival, LAW))
    )
    assert law_doubts(fit(planted(4).drop(index=[0]), LAW)) == [
        "Note: 1 seed without every value of x (0) left out: 1 of 36 values is missing."
    ]


def test_one_seed_says_what_its_interval_is_worth() -> None:
    law = fit(planted(1), LAW)
    assert law.exponent.method == "OLS t interval"
    assert law.exponent.df == 7
    said, worth = law.sentences()[0], law.sentences()[2]
    assert said.startswith("In this run's curve test KL goes as σ^−ν with ν = 1.")
    assert "95 %" not in said
    assert "ν = 0" not in said
    assert worth.startswith("OLS over this run's points gives ")
    assert "not what another seed would give" in worth


def test_range_and_where_choose_rows() -> None:
    frame = planted(2)
    other = planted(2).assign(network="mlp")
    law = fit(pd.concat([frame, other]), Law(range=(0.06, 0.21), where={"network": "mlp"}))
    assert (law.x_min, law.x_max, law.n) == (0.06, 0.21, 12)
    assert law.to_json()["where"] == {"network": "mlp"}


def test_twins_failed_trials_and_other_betas_stay_out() -> None:
    frame = planted(3)
    extra = frame[frame["seed"] == 0]
    spoiled = [
        extra.assign(**change, **{"test/kl": 1e3})
        for change in ({"role": "twin"}, {"status": "failed"}, {"beta": 4.0})
    ]
    law = fit(pd.concat([frame, *spoiled], ignore_index=True), LAW)
    assert law.nu == pytest.approx(fit(frame, LAW).nu)


def along(x: str, values: tuple[float, ...], nu: float, **fixed: object) -> pd.DataFrame:
    """Five seeds of KL = 30 x^−ν over `x`, beside trials at other β that are not asked for."""
    rng = np.random.default_rng(5)
    return pd.DataFrame(
        [
            {
                "status": "finished",
                "role": "declared",
                "model": "sigma_vae",
                "seed": seed,
                **fixed,
                x: value,
                "test/kl": 30 * value**-nu * np.exp(0.02 * rng.standard_normal()),
            }
            for seed in range(5)
            for value in values
        ]
    )


@pytest.mark.parametrize(
    ("x", "values", "fixed"),
    [
        ("beta", (0.5, 1.0, 2.0, 4.0, 8.0), {"sigma": 0.1, "d_z": 50}),
        ("d_z", (2.0, 4.0, 8.0, 16.0), {"sigma": 0.1, "beta": 1.0}),
        ("alpha", (0.03, 0.06, 0.12, 0.24), {"d_z": 50, "beta": 1.0}),
    ],
)
def test_laws_in_other_hyperparameters_are_recovered(
    x: str, values: tuple[float, ...], fixed: dict[str, object]
) -> None:
    frame = along(x, values, 0.6, **fixed)
    law = fit(frame, Law(x))
    assert abs(law.nu - 0.6) < 4 * law.se
    assert law.se < 0.01
    assert (law.n, law.n_seeds, law.x_min, law.x_max) == (
        5 * len(values),
        5,
        pytest.approx(values[0]),
        pytest.approx(values[-1]),
    )
    rising = fit(along(x, values, -0.3, **fixed), Law(x))
    assert rising.nu == pytest.approx(-0.3, abs=0.02)


def test_a_law_in_beta_wants_one_noise_level() -> None:
    two = pd.concat([along("beta", (1.0, 2.0, 4.0), 0.6, sigma=sigma) for sigma in (0.1, 0.2)])
    with pytest.raises(MixedRows, match="differ in sigma"):
        fit(two, Law("beta"))
    law = fit(two, Law("beta", where={"sigma": 0.2}))
    assert (law.n, law.nu) == (15, pytest.approx(0.6, abs=0.03))


@pytest.mark.parametrize("change", [{"network": "mlp"}, {"epochs": 60}, {"model": "uvb"}])
def test_rows_that_differ_in_more_are_refused_by_name(change: dict[str, Any]) -> None:
    frame = pd.concat([planted(2), planted(2).assign(**change)])
    name = next(iter(change))
    with pytest.raises(MixedRows, match=rf"differ in {name}.*where, for example {name}="):
        fit(frame, LAW)


def test_a_field_that_follows_x_may_be_ignored() -> None:
    frame = planted(2).assign(width=lambda f: 100 * f["sigma"])
    with pytest.raises(MixedRows, match="width"):
        fit(frame, LAW)
    assert fit(frame, Law(ignore=("width",))).n == 18


def test_models_without_the_metric_are_left_out_and_named() -> None:
    deen = planted(2).assign(**{"model": "deen", "test/kl": np.nan})
    law = fit(pd.concat([planted(2), deen]), LAW)
    assert law.n == 18
    assert any("deen" in note for note in law.notes)


def spoiled(**change: object) -> pd.DataFrame:
    frame = planted(2)
    frame.loc[3, list(change)] = list(change.values())
    return frame


def moved(sigma: float) -> pd.DataFrame:
    """Two seeds, with the smallest σ written as another."""
    return planted(2).assign(sigma=lambda f: f["sigma"].where(f["sigma"] > 0.05, sigma))


@pytest.mark.parametrize(
    ("frame", "law", "error", "says"),
    [
        (planted(2).iloc[:0], LAW, TooFewRows, "at least three values"),
        (planted(2).query("sigma < 0.05"), LAW, TooFewRows, "at least three values"),
        (planted(2).assign(status="failed"), LAW, TooFewRows, "at least three values"),
        (spoiled(**{"test/kl": np.nan}), LAW, UnusableValues, "missing or not finite in 1 of 18"),
        (spoiled(**{"test/kl": np.inf}), LAW, UnusableValues, "missing or not finite"),
        (spoiled(**{"test/kl": 0.0}), LAW, UnusableValues, "zero or negative"),
        (spoiled(**{"test/kl": -1.0}), LAW, UnusableValues, "zero or negative"),
        (spoiled(**{"test/kl": 1e-5}), LAW, UnusableValues, "collapsed"),
        (planted(2), Law(y="test/elbo"), NotComparable, "elbo_full"),
        (planted(2), Law(y="test/kI"), AnalysisError, "did you mean 'test/kl'"),
        (planted(2), Law(x="alpha"), AnalysisError, "no trial has 'alpha'"),
        (planted(2), Law(where={"colour": 1}), AnalysisError, "no trial has 'colour'"),
        (pd.DataFrame(), LAW, AnalysisError, "no trial has 'sigma'"),
        (moved(0.0), LAW, UnusableValues, "σ is 0 in 2 of 18 rows.*needs a positive σ"),
        (moved(-0.1), LAW, UnusableValues, "σ is -0.1 in 2 of 18 rows.*needs a positive σ"),
        (moved(np.inf), LAW, UnusableValues, "σ is inf in 2 of 18 rows"),
        (planted(2), Law(x="network"), UnusableValues, "about numbers, and network is 'conv'"),
        (planted(2), Law(x="network", range=(1, 2)), UnusableValues, "about numbers"),
        (planted(2), Law(x="model"), UnusableValues, "known: sigma"),
        (planted(2), Law(y="network"), UnknownName, "'network' is no metric; known: test/"),
        (planted(2).assign(flag=True), Law(x="flag"), UnusableValues, "about numbers"),
        (
            planted(4),
            Law(x="seed"),
            UnusableValues,
            "cannot be fitted over the seed.*known: sigma",
        ),
    ],
)
def test_what_cannot_be_fitted_is_one_clear_sentence(
    frame: pd.DataFrame, law: Law, error: type[AnalysisError], says: str
) -> None:
    with pytest.raises(error, match=says) as caught:
        fit(frame, law)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ([], []),
        ([1, 2], [1, 2]),
        ([1, 2, 3], [1, 2]),
        ([1, 2, 3], [1, 2, np.nan]),
        ([1, 2, 3], [1, 0, 2]),
        ([0, 1, 2], [1, 2, 3]),
    ],
)
def test_tables_that_hold_no_law_are_refused(x: list[float], y: list[float]) -> None:
    with pytest.raises(AnalysisError):
        fit_xy(x, y)


def test_a_collapsed_tail_is_refused_and_the_range_mends_it() -> None:
    frame = planted(3)
    frame["test/kl"] = frame["test/kl"].where(frame["sigma"] < 0.2, 1e-4 * frame["sigma"])
    with pytest.raises(UnusableValues, match=r"below 0.01 nats in 9 of 27.*restrict the range"):
        fit(frame, LAW)
    law = fit(frame, Law(range=(0.03, 0.19)))
    assert law.nu == pytest.approx(1.2, abs=0.05)


def test_the_range_is_in_the_numbers_of_the_grid() -> None:
    frame = planted()
    assert fit(frame, LAW).to_json()["range"] == [0.03, 0.27]
    assert fit_xy([0.03, 0.1, 0.27], [3.0, 2.0, 1.0]).to_json()["range"] == [0.03, 0.27]


@pytest.mark.parametrize(
    ("where", "message"),
    [
        (
            {"model": "sigma_va"},
            r"no trial has model=sigma_va; did you mean 'sigma_vae'\? \(model is "
            r"sigma_vae\)",
        ),
        ({"seed": 9}, r"no trial has seed=9 \(seed is 0, 1, 2, 3 and 4\)"),
    ],
)
def test_a_value_that_no_trial_has_is_answered_with_those_that_there_are(
    where: dict[str, Any], message: str
) -> None:
    with pytest.raises(UnknownName, match=message):
        fit(planted(), Law("sigma", "test/kl", where=where))


def test_a_range_leaves_a_scale_of_zero_out() -> None:
    assert fit(moved(0.0), Law(range=(0.05, 0.3))).n == 16


def test_an_impossible_range_is_refused() -> None:
    with pytest.raises(AnalysisError, match="0 < low < high"):
        Law(range=(0.3, 0.1))


def test_incomplete_seeds_are_left_out_and_named() -> None:
    frame = planted(4).drop(index=[0])
    law = fit(frame, LAW)
    assert (law.n_seeds, law.n) == (3, 27)
    assert any("1 seed without every value" in note for note in law.notes)


def test_x_that_no_seed_shares_falls_back_to_what_is_common() -> None:
    law = fit(planted(2).drop(index=[0, 17]), LAW)
    assert (law.n_seeds, law.n) == (2, 14)
    assert any("complete in every seed" in note for note in law.notes)


def test_json_is_json_for_every_size_of_sweep() -> None:
    for law in (fit(planted(1), LAW), fit(planted(5), LAW), fit_xy([1, 2, 3], [3, 2, 1.5])):
        assert json.loads(json.dumps(law.to_json(), allow_nan=False))["nu"] == law.nu


def headline(law: PowerLaw) -> np.ndarray:
    return np.array([law.nu, law.se, law.ci_low, law.ci_high, law.r2, law.curvature])


@settings(max_examples=15)
@given(scale=st.floats(1e-1, 1e6))
def test_exponent_does_not_change_when_kl_is_rescaled(scale: float) -> None:
    frame = planted(3, slope_sd=0.03)
    scaled = frame.assign(**{"test/kl": scale * frame["test/kl"]})
    assert headline(fit(scaled, LAW)) == pytest.approx(headline(fit(frame, LAW)), rel=1e-7)


@settings(max_examples=10)
@given(order=st.permutations(range(27)))
def test_order_of_rows_changes_nothing(order: list[int]) -> None:
    frame = planted(3, slope_sd=0.03)
    shuffled = frame.iloc[list(order)]
    assert headline(fit(shuffled, LAW)) == pytest.approx(headline(fit(frame, LAW)), rel=1e-9)


@settings(max_examples=8)
@given(copies=st.integers(1, 4), renamed=st.booleans())
def test_copies_of_seeds_do_not_shrink_the_interval(copies: int, renamed: bool) -> None:
    frame = planted(3, slope_sd=0.03)
    more = [frame.assign(seed=frame["seed"] + 10 * (i + 1) * renamed) for i in range(copies)]
    law = fit(pd.concat([frame, *more], ignore_index=True), LAW)
    assert headline(law)[:4] == pytest.approx(headline(fit(frame, LAW))[:4], rel=1e-9)
    assert law.notes


def test_a_law_that_rises_keeps_the_sign_of_its_exponent_everywhere() -> None:
    """y ~ x^−ν with ν = −0.6: sentence, answer, interval and local exponents agree."""
    law = fit(planted(nu=-0.6, bend=0.2), LAW)
    assert -0.6 < law.nu < -0.4
    assert law.bends
    answer, shape = law_answer(law), " ".join(law.sentences())
    assert f"σ^−ν with ν = −{abs(law.nu):.3g}" in answer
    assert "goes as σ^−ν with ν = −0." in shape
    for text in (answer, shape):
        found = re.search(r"local exponent goes from (−?)[\d.]+ to (−?)", text)
        assert found is not None
        assert found.groups() == ("−", "−")


def test_of_one_curve_a_missing_dependence_is_that_of_its_points() -> None:
    frame = planted(1).groupby("sigma").head(1).iloc[[0, 4, 8]]
    law = fit(frame.assign(**{"test/kl": [3.0, 5.0, 2.9]}), LAW)
    assert not law.p < 0.05
    said = "depends on σ is not established by the points of this run's curve: σ^−ν"
    assert said in law.sentence()
    assert "is not established by the points of this one curve: ν =" in law_answer(law)
