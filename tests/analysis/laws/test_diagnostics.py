"""The other intervals of ν are what statsmodels and a direct maximum of the likelihood give."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from numpy.typing import NDArray
from scipy.optimize import minimize

from analysis.laws.coverage import SIGMA, Seeds, simulate
from analysis.laws.intervals import other_intervals
from analysis.laws.law import Points
from analysis.laws.powerlaw import fit_xy
from analysis.laws.sample import Sample, sample
from analysis.statistics.estimate import Estimate
from analysis.statistics.regression import fit_linear, polynomial


def planted(seeds: int, **scatter: float) -> Sample:
    how = Seeds(**{"curvature_sd": 0.0, "noise": 0.02, **scatter})
    y = simulate(how, seeds, 1, np.random.default_rng(12 * seeds))[0]
    return sample(
        Points(np.tile(SIGMA, seeds), np.exp(y).ravel(), np.repeat(np.arange(seeds), len(SIGMA)))
    )


def named(data: Sample, begins: str) -> Estimate:
    return next(one for one in other_intervals(data, 0.95) if one.method.startswith(begins))


def by_rows(data: Sample, **how: Any) -> Any:
    return sm.OLS(data.y, polynomial(data.x - data.center, 1)).fit(**how)


@pytest.mark.parametrize("seeds", [2, 3, 7])
def test_row_errors_are_those_of_statsmodels(seeds: int) -> None:
    data = planted(seeds)
    clustered = by_rows(data, cov_type="cluster", cov_kwds={"groups": data.seed})
    assert named(data, "HC3").se == pytest.approx(by_rows(data).HC3_se[1], rel=1e-9)
    assert named(data, "clustered").se == pytest.approx(clustered.bse[1], rel=1e-9)
    assert named(data, "clustered").value == pytest.approx(-clustered.params[1])


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_mixed_model_is_that_of_statsmodels(seeds: int) -> None:
    data = planted(seeds, slope_sd=0.05, level_sd=0.05)
    design = polynomial(data.x - data.center, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = sm.MixedLM(data.y, design, data.seed, exog_re=design).fit(reml=True)
    ours = named(data, "mixed")
    assert (ours.value, ours.se) == pytest.approx(
        (-theirs.fe_params[1], theirs.bse_fe[1]), rel=1e-3
    )


def reml(data: Sample, between: NDArray[np.float64], noise: float) -> tuple[float, float]:
    """Minus twice the restricted log-likelihood, and the standard error of the slope."""
    assert data.table is not None
    x = polynomial(data.grid - data.center, 1)
    v = noise * np.eye(len(x)) + x @ between @ x.T
    inverse, k = np.linalg.inv(v), len(data.table)
    information = k * x.T @ inverse @ x
    rest = data.table - x @ np.linalg.solve(information, x.T @ inverse @ data.table.sum(0))
    value = k * np.linalg.slogdet(v)[1] + np.linalg.slogdet(information)[1]
    return value + float(np.einsum("ki,ij,kj->", rest, inverse, rest)), float(
        np.sqrt(np.linalg.inv(information)[1, 1])
    )


@pytest.mark.parametrize(("slope_sd", "level_sd"), [(0.0, 0.0), (0.1, 0.0), (0.0, 0.05)])
def test_mixed_model_is_right_where_seeds_do_not_scatter(slope_sd: float, level_sd: float) -> None:
    data = planted(4, slope_sd=slope_sd, level_sd=level_sd)

    def parts(p: NDArray[np.float64]) -> tuple[float, float]:
        root = np.array([[p[0], 0.0], [p[1], p[2]]])
        return reml(data, root @ root.T, float(np.exp(p[3])))

    found = min(
        (
            minimize(
                lambda p: parts(p)[0],
                [a, 0.0, b, -8.0],
                method="Nelder-Mead",
                options={"maxiter": 6000, "maxfev": 6000, "xatol": 1e-9, "fatol": 1e-10},
            )
            for a in (0.01, 0.05)
            for b in (0.01, 0.1)
        ),
        key=lambda one: one.fun,
    )
    assert named(data, "mixed").se == pytest.approx(parts(found.x)[1], rel=1e-3)


def test_influence_is_the_change_when_one_x_is_left_out() -> None:
    x, y = np.array([0.1, 0.2, 0.4, 0.8]), np.array([30.0, 12.0, 5.0, 2.0])
    law = fit_xy(x, y)
    for index, one in enumerate(law.influence):
        rest = -np.polyfit(np.log(np.delete(x, index)), np.log(np.delete(y, index)), 1)[0]
        assert one.nu == pytest.approx(rest)
        assert one.shift == pytest.approx((rest - law.nu) / law.se)


def test_information_counts_the_variance_as_a_parameter() -> None:
    """AIC from the likelihood (less its constants of n), AICc from Hurvich and Tsai 1989."""
    x = np.linspace(0, 1, 9)
    y = 1 + x + 0.1 * np.random.default_rng(2).standard_normal(9)
    found, theirs = fit_linear(polynomial(x, 1), y), sm.OLS(y, polynomial(x, 1)).fit()
    k = 3
    aic = -2 * theirs.llf + 2 * k - 9 * (1 + np.log(2 * np.pi))
    assert found.aic == pytest.approx(aic)
    assert found.aicc == pytest.approx(aic + 2 * k * (k + 1) / (9 - k - 1))
