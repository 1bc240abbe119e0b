"""Least squares and t intervals: the arithmetic below every law, batched over leading axes."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from analysis.wording import number, percent

__all__ = [
    "Estimate",
    "LinearFit",
    "fit_linear",
    "holm",
    "mean_estimate",
    "polynomial",
    "rounding",
    "slopes",
    "t_estimate",
]

Array = NDArray[np.float64]
ROUNDING = 1e-12


@dataclass(frozen=True)
class Estimate:
    """A number with its interval: `low` to `high` at `level`, from a t distribution with `df`.

    p: two-sided, for the value 0. method: what the interval is, in words.
    """

    value: float
    se: float
    low: float
    high: float
    df: float
    p: float
    method: str
    level: float = 0.95

    def to_json(self) -> dict[str, float | str | None]:
        return {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in asdict(self).items()
        }

    def __str__(self) -> str:
        return (
            f"{number(self.value)} ({percent(self.level)}: {number(self.low)} to "
            f"{number(self.high)})"
        )


@dataclass(frozen=True)
class LinearFit:
    """y = X b + noise: coefficients, their covariance, residual sum of squares."""

    coefficients: Array
    covariance: Array
    rss: float
    r2: float
    n: int

    @property
    def df(self) -> int:
        return self.n - len(self.coefficients)

    @property
    def aic(self) -> float:
        """n log(RSS/n) + 2 k, with k counting the variance; constants of n are dropped."""
        return information(self.rss, self.n, len(self.coefficients))[0]

    @property
    def aicc(self) -> float:
        return information(self.rss, self.n, len(self.coefficients))[1]

    def estimate(self, weights: Array, method: str, level: float = 0.95) -> Estimate:
        """The t interval of the linear combination weights · coefficients."""
        se = math.sqrt(max(float(weights @ self.covariance @ weights), 0.0))
        return t_estimate(float(weights @ self.coefficients), se, self.df, method, level)


def rounding(y: Array) -> float:
    """The variance of one value below which differences between the y say nothing."""
    return (ROUNDING * float(np.abs(y).max(initial=1.0))) ** 2


def information(rss: float, n: int, coefficients: int) -> tuple[float, float]:
    """AIC and AICc of Gaussian errors of unknown variance; AICc is NaN when n is too small."""
    k = coefficients + 1
    aic = n * math.log(max(rss, 1e-300) / n) + 2 * k
    return aic, aic + 2 * k * (k + 1) / (n - k - 1) if n - k - 1 > 0 else math.nan


def fit_linear(design: Array, y: Array) -> LinearFit:
    """Ordinary least squares; with no degrees of freedom left the covariance is NaN.

    The variance never falls below rounding, so that noise-free points do not prove a bend.
    """
    q, r = np.linalg.qr(design)
    coefficients = np.linalg.solve(r, q.T @ y)
    residuals = y - design @ coefficients
    rss, n = float(residuals @ residuals), len(y)
    total = float(((y - y.mean()) ** 2).sum())
    inverse = np.linalg.inv(r)
    df = n - design.shape[1]
    variance = max(rss, n * rounding(y)) / max(df, 1)
    covariance = inverse @ inverse.T * (variance if df > 0 else math.nan)
    return LinearFit(coefficients, covariance, rss, 1 - rss / total if total else math.nan, n)


def polynomial(x: Array, degree: int) -> Array:
    """The design matrix 1, x, ..., x^degree."""
    return np.vander(x, degree + 1, increasing=True)


def slopes(x: Array, y: Array, degree: int = 1) -> Array:
    """The leading coefficient of the polynomial fit of each row of y [..., m] on x [m].

    The coefficient is linear in y, so one set of weights serves every row.
    """
    weights: Array = np.linalg.pinv(polynomial(x - x.mean(), degree))[degree]
    found: Array = y @ weights
    return found


def t_estimate(value: float, se: float, df: float, method: str, level: float = 0.95) -> Estimate:
    """value ± t·se; an interval that cannot be known is NaN, not zero."""
    if df <= 0 or not math.isfinite(se):
        return Estimate(value, math.nan, math.nan, math.nan, max(df, 0), math.nan, method, level)
    half = float(stats.t.ppf((1 + level) / 2, df)) * se
    p = float(2 * stats.t.sf(abs(value) / se, df)) if se > 0 else float(value == 0)
    return Estimate(value, se, value - half, value + half, df, p, method, level)


def mean_estimate(values: Array, method: str, level: float = 0.95) -> Estimate:
    """The t interval of the mean of independent values, one a seed: n − 1 degrees of freedom."""
    n = len(values)
    floor = ROUNDING * float(np.abs(values).max(initial=1.0))
    se = max(float(np.std(values, ddof=1)) / math.sqrt(n), floor) if n > 1 else math.nan
    return t_estimate(float(np.mean(values)), se, n - 1, method, level)


def holm(p: Array) -> Array:
    """Holm 1979: the i-th smallest of m p values times m − i + 1, never falling; NaN stays NaN."""
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")]
    raised = np.maximum.accumulate(p[order] * (len(order) - np.arange(len(order))))
    found = np.full(len(p), math.nan)
    found[order] = np.minimum(raised, 1.0)
    return found
