"""Each headline number is what the formulas of statsmodels give without our wrappers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from scipy import stats
from statsmodels.stats.anova import anova_lm
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestIndPower
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW, ttost_ind
from statsmodels.tools.eval_measures import aicc

from analysis.equivalence import tost, tost_power
from analysis.equivalence.stopping import Pair, simulate
from analysis.laws.coverage import SIGMA, Seeds
from analysis.laws.coverage import simulate as sweeps
from analysis.laws.powerlaw import Law, PowerLaw, fit, fit_xy
from analysis.statistics import batched
from analysis.statistics.means import mean_estimate, proportion_interval, sum_of_means, welch
from analysis.statistics.multiplicity import holm, holm_levels

CASES = [(seed, seeds) for seed in (1, 2) for seeds in (3, 6)]


def random_rows(seed: int, seeds: int) -> pd.DataFrame:
    """A sweep with seed effects and a bend, and its logarithms (u = log σ, centred)."""
    y = sweeps(Seeds(slope_sd=0.05), seeds, 1, np.random.default_rng(seed))[0]
    u = np.log(SIGMA) - np.log(SIGMA).mean()
    return pd.DataFrame(
        {
            "sigma": np.tile(SIGMA, seeds),
            "seed": np.repeat(np.arange(seeds), len(SIGMA)),
            "u": np.tile(u, seeds),
            "y": (y - 0.05 * u**2).ravel(),
            "test/kl": np.exp(y - 0.05 * u**2).ravel(),
        }
    )


@pytest.fixture(params=CASES, ids=str)
def both(request: pytest.FixtureRequest) -> tuple[pd.DataFrame, PowerLaw]:
    rows = random_rows(*request.param)
    return rows, fit(rows[["sigma", "seed", "test/kl"]], Law())


def told(found: Any) -> tuple[float, ...]:
    return found.value, found.se, found.low, found.high, found.p


def named(law: PowerLaw, begins: str) -> tuple[float, ...]:
    return told(next(one for one in law.intervals if one.method.startswith(begins)))


def slope(result: Any) -> tuple[float, ...]:
    """−slope on u with its error, interval and p."""
    low, high = result.conf_int().loc["u"]
    return -result.params["u"], result.bse["u"], -high, -low, result.pvalues["u"]


def of_mean(values: Any) -> tuple[float, ...]:
    described = DescrStatsW(np.asarray(values))
    return (
        described.mean,
        described.std_mean,
        *described.tconfint_mean(),
        described.ttest_mean(0)[1],
    )


def test_the_headline_is_the_interval_of_the_mean_of_per_seed_slopes(both: Any) -> None:
    rows, law = both
    nus = [-smf.ols("y ~ u", one).fit().params["u"] for _, one in rows.groupby("seed")]
    assert told(law.exponent) == pytest.approx(of_mean(nus), rel=1e-9)
    assert law.r2 == pytest.approx(smf.ols("y ~ u", rows).fit().rsquared, rel=1e-9)


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("OLS", {}),
        ("HC3", {"cov_type": "HC3", "use_t": True}),
        ("clustered", {"cov_type": "cluster", "use_t": True}),
    ],
)
def test_intervals_over_rows(both: Any, name: str, how: dict[str, Any]) -> None:
    rows, law = both
    groups = {"cov_kwds": {"groups": rows["seed"]}} if name == "clustered" else {}
    theirs = smf.ols("y ~ u", rows).fit(**how, **groups)
    assert named(law, name) == pytest.approx(slope(theirs), rel=1e-9)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_mixed_model_where_statsmodels_finds_its_own_way(seed: int) -> None:
    """In units of the noise, and with seeds that scatter well, its own start converges."""
    rows = random_rows(seed, 10)
    law = fit(rows[["sigma", "seed", "test/kl"]], Law())
    scaled = rows.assign(y=rows["y"] / 0.02)
    theirs = smf.mixedlm("y ~ u", scaled, groups="seed", re_formula="~u").fit(reml=True)
    assert theirs.converged
    assert named(law, "mixed")[:2] == pytest.approx(
        (-0.02 * theirs.params["u"], 0.02 * theirs.bse["u"]), rel=2e-3
    )


def test_the_bend_is_that_of_per_seed_quadratics(both: Any) -> None:
    rows, law = both
    own = [smf.ols("y ~ u + I(u**2)", one).fit().params.iloc[2] for _, one in rows.groupby("seed")]
    assert told(law.bend) == pytest.approx(of_mean(own), rel=1e-8)


def test_the_bend_of_one_curve_is_the_f_test_of_nested_models() -> None:
    rows = random_rows(4, 1)
    law = fit_xy(rows["sigma"], rows["test/kl"])
    line, quadratic = (smf.ols(f, rows).fit() for f in ("y ~ u", "y ~ u + I(u**2)"))
    table = anova_lm(line, quadratic)
    assert (law.bend.value / law.bend.se) ** 2 == pytest.approx(table["F"].iloc[1], rel=1e-8)
    assert law.bend.p == pytest.approx(table["Pr(>F)"].iloc[1], rel=1e-8)
    assert law.curvature_delta_aic == pytest.approx(quadratic.aic - line.aic, rel=1e-8)


def test_lack_of_fit_is_hotellings_test_of_what_a_parabola_leaves(both: Any) -> None:
    """By its definition, with a base of our own: T² does not depend on which."""
    rows, law = both
    wide = rows.pivot_table(index="seed", columns="u", values="y")
    u, k = wide.columns.to_numpy(), len(wide)
    count = {3: 1, 6: 2}[k]
    higher = [u**3, u**4][:count]
    quadratic = sm.add_constant(np.column_stack([u, u**2]))
    base = np.linalg.qr(np.column_stack([quadratic, *higher]))[0][:, 3:]
    own = wide.to_numpy() @ base
    mean, scatter = own.mean(axis=0), np.atleast_2d(np.cov(own.T))
    f = k * mean @ np.linalg.solve(scatter, mean) * (k - count) / (count * (k - 1))
    assert law.lack is not None
    assert law.lack.df == (count, k - count)
    assert (law.lack.f, law.lack.p) == pytest.approx(
        (f, stats.f.sf(f, count, k - count)), rel=1e-7
    )


def test_rival_forms_differ_by_aicc(both: Any) -> None:
    rows, law = both
    means = rows.groupby("sigma", as_index=False)[["u", "y"]].mean()
    fits = [smf.ols(f, means).fit() for f in ("y ~ u", "y ~ sigma", "y ~ u + I(u**2)")]
    power, exponential, quadratic = (aicc(one.llf, one.nobs, len(one.params) + 1) for one in fits)
    found = {form.name: form.delta_aicc for form in law.forms}
    assert found["exponential"] == pytest.approx(exponential - power, rel=1e-8)
    assert found["log-quadratic"] == pytest.approx(quadratic - power, rel=1e-8)


def test_influence_is_that_of_deleted_rows(both: Any) -> None:
    rows, law = both
    means = rows.groupby("sigma", as_index=False)[["u", "y"]].mean()
    without = [-smf.ols("y ~ u", means.drop(i)).fit().params["u"] for i in means.index]
    assert [one.nu for one in law.influence] == pytest.approx(without, rel=1e-9)
    own = [
        [
            seed.drop(seed.index[i]).pipe(lambda r: smf.ols("y ~ u", r).fit().params["u"])
            - smf.ols("y ~ u", seed).fit().params["u"]
            for i in range(len(means))
        ]
        for _, seed in rows.groupby("seed")
    ]
    p = [DescrStatsW(one).ttest_mean(0)[1] for one in np.array(own).T]
    assert [one.p for one in law.influence] == pytest.approx(p, rel=1e-7)
    corrected = multipletests(p, method="holm")[1]
    assert [one.p_holm for one in law.influence] == pytest.approx(corrected, rel=1e-7)


@pytest.mark.parametrize("seed", [0, 1])
def test_differences_of_means(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(0, 0.03, 6), rng.normal(0.02, 0.06, 9)
    means = CompareMeans(DescrStatsW(a), DescrStatsW(b))
    _, p, df = means.ttest_ind(usevar="unequal")
    low, high = means.tconfint_diff(usevar="unequal")
    ours = welch(a, b)
    assert (ours.low, ours.high, ours.p, ours.df) == pytest.approx((low, high, p, df))
    assert told(sum_of_means([a, -b], "Welch")) == pytest.approx(told(ours))
    assert np.isnan(sum_of_means([a, np.ones(1)], "Welch").p)
    assert np.isnan(sum_of_means([np.ones(3), np.ones(3)], "Welch").p)
    found, ninety = tost(a, b, 0.1), means.tconfint_diff(alpha=0.1, usevar="unequal")
    assert found.p == pytest.approx(ttost_ind(a, b, -0.1, 0.1, usevar="unequal")[0])
    assert (found.low, found.high, found.p_zero) == pytest.approx((*ninety, p))
    assert told(mean_estimate(a, "t")) == pytest.approx(of_mean(a))


def test_power_of_one_sided_tests() -> None:
    one = TTestIndPower().power(0.1 / 0.06, 10, 0.05, alternative="larger")
    assert tost_power(0.06, 0.1, 10) == pytest.approx(2 * one - 1)


def test_corrections_and_proportions() -> None:
    p = np.random.default_rng(3).uniform(0, 0.1, 7)
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])
    gaps = holm(np.array([0.01, np.nan, 0.04]))
    assert gaps[[0, 2]] == pytest.approx([0.02, 0.04])
    assert np.isnan(gaps[1])
    assert proportion_interval(37, 40) == pytest.approx(proportion_confint(37, 40, method="beta"))


@pytest.mark.parametrize("seed", range(5))
def test_levels_of_holm_reject_what_its_p_values_do(seed: int) -> None:
    p = np.random.default_rng(seed).uniform(0, 0.03, 6)
    assert list(p < holm_levels(p, 0.05)) == list(holm(p) < 0.05)
    assert sorted(holm_levels(np.array([0.001, 0.9, 0.02, 0.8]), 0.05)) == pytest.approx(
        [0.05 / 4, 0.05 / 3, 0.05 / 3, 0.05 / 3]
    )


@pytest.mark.parametrize("seeds", [3, 6])
def test_simulations_use_the_same_arithmetic(seeds: int) -> None:
    """The vectorised standard errors, of ten sweeps at once."""
    u = np.log(SIGMA) - np.log(SIGMA).mean()
    y = sweeps(Seeds(), seeds, 10, np.random.default_rng(seeds))
    rows = sm.add_constant(np.tile(u, seeds))
    groups = np.repeat(np.arange(seeds), len(u))
    fits = [sm.OLS(one.ravel(), rows).fit() for one in y]
    clustered = [one.get_robustcov_results("cluster", groups=groups).bse[1] for one in fits]
    assert batched.ols_se(u, y) == pytest.approx([one.bse[1] for one in fits], rel=1e-9)
    assert batched.hc3_se(u, y) == pytest.approx([one.HC3_se[1] for one in fits], rel=1e-9)
    assert batched.cluster_se(u, y) == pytest.approx(clustered, rel=1e-9)
    by_seed = [[sm.OLS(row, sm.add_constant(u)).fit().params[1] for row in one] for one in y]
    assert batched.slopes(u, y) == pytest.approx(np.array(by_seed), rel=1e-9)


def test_looks_of_a_simulated_path_are_welch_tests() -> None:
    values = simulate(Pair((0.05,), 0.09), 8, 3, np.random.default_rng(4))
    gap, df, se = batched.welch_looks(values, 5)
    looks = [
        welch(values[0, sweep, 0, :n], values[1, sweep, 0, :n])
        for sweep in range(3)
        for n in range(5, 9)
    ]
    assert gap.ravel() == pytest.approx([one.value for one in looks], rel=1e-9)
    assert df.ravel() == pytest.approx([one.df for one in looks], rel=1e-9)
    assert se.ravel() == pytest.approx([one.se for one in looks], rel=1e-9)
