"""Ordinary least squares by statsmodels: coefficients, intervals, F tests, AIC, influence."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from statsmodels.regression.linear_model import OLS
from statsmodels.tools.eval_measures import aic_sigma, aicc_sigma

from analysis.statistics.estimate import Estimate, rounding, unknown

__all__ = [
    "FTest",
    "LinearFit",
    "contrast",
    "fit_linear",
    "information",
    "leading_coefficients",
    "polynomial",
]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class FTest:
    """An F test: `df` are those of the numerator and of the denominator."""

    f: float
    df: tuple[int, int]
    p: float


@dataclass(frozen=True)
class LinearFit:
    """y = X b + noise, fitted by statsmodels; `results` are its RegressionResults.

    exact: the residuals are no larger than rounding. Their variance is then set to that of
    rounding, so that points without noise prove nothing (a bend, say).
    """

    results: Any
    exact: bool = False

    @property
    def coefficients(self) -> Array:
        return np.asarray(self.results.params, dtype=np.float64)

    @property
    def coefficient_weights(self) -> Array:
        """The weights [k, n] by which each coefficient is a sum over y."""
        return np.asarray(self.results.model.pinv_wexog, dtype=np.float64)

    @property
    def rss(self) -> float:
        """Residual sum of squares."""
        return float(self.results.ssr)

    @property
    def r2(self) -> float:
        """R²; NaN where all y are equal."""
        return float(self.results.rsquared) if self.results.centered_tss > 0 else math.nan

    @property
    def aic(self) -> float:
        return information(self.rss, int(self.results.nobs), len(self.coefficients))[0]

    @property
    def aicc(self) -> float:
        return information(self.rss, int(self.results.nobs), len(self.coefficients))[1]

    def estimate(self, weights: Array, method: str, level: float = 0.95) -> Estimate:
        """The t interval of weights · coefficients; NaN without degrees of freedom."""
        if self.results.df_resid <= 0:
            return unknown(float(weights @ self.coefficients), method, level)
        return contrast(self.results, weights, method, level)


def fit_linear(design: Array, y: Array, errors: str = "nonrobust", **options: Any) -> LinearFit:
    """Ordinary least squares of y [n] on design [n, k].

    errors: the covariance of the coefficients as statsmodels names it: nonrobust, HC3
    (MacKinnon and White 1985), or cluster with `groups` [n]. Intervals take t quantiles: n − k
    degrees of freedom, or with clusters their number less one.
    """
    model = OLS(y, design)
    with np.errstate(divide="ignore", invalid="ignore"):
        results = model.fit(cov_type=errors, use_t=True, cov_kwds=options or None)
    least = len(y) * rounding(y)
    exact = bool(results.ssr <= least)
    if exact and errors == "nonrobust" and results.df_resid > 0:
        scale = {"scale": least / results.df_resid}
        results = model.fit(cov_type="fixed scale", cov_kwds=scale, use_t=True)
    return LinearFit(results, exact)


def contrast(results: Any, weights: Array, method: str, level: float = 0.95) -> Estimate:
    """The interval of weights · coefficients of any fit of statsmodels, with its quantiles.

    df is infinite where they are those of the normal distribution.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        test = results.t_test(weights[None, :])
        ((low, high),) = test.conf_int(alpha=1 - level)
    return Estimate(
        float(test.effect[0]),
        float(test.sd[0, 0]),
        float(low),
        float(high),
        math.inf if test.distribution == "norm" else float(test.df_denom),
        float(test.pvalue.item()),
        method,
        level,
    )


def polynomial(x: Array, degree: int) -> Array:
    """The design matrix 1, x, ..., x^degree."""
    return np.vander(x, degree + 1, increasing=True)


def leading_coefficients(x: Array, table: Array, degree: int = 1) -> Array:
    """The coefficient of x^degree of the polynomial fit to each row of table [k, m] on x [m]."""
    design = polynomial(x - x.mean(), degree)
    return np.array([OLS(row, design).fit().params[degree] for row in table])


def information(rss: float, n: int, coefficients: int) -> tuple[float, float]:
    """AIC and AICc (Hurvich and Tsai 1989) of Gaussian errors whose variance is a parameter too.

    Constants of n are dropped; AICc is NaN when n is too small for it.
    """
    k, variance = coefficients + 1, max(rss, 1e-300) / n
    small = n - k - 1 <= 0
    return (
        float(n * aic_sigma(variance, n, k)),
        math.nan if small else float(n * aicc_sigma(variance, n, k)),
    )
