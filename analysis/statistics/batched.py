"""The same arithmetic for thousands of simulated sweeps at once, in numpy.

Only simulations call this module (as `python -m analysis.equivalence.error_rates`); what a user
sees of a sweep comes from statsmodels, and a test holds both equal. The one exception is
`between_seeds`, from which the mixed model starts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from analysis.statistics.estimate import rounding
from analysis.statistics.regression import polynomial

__all__ = [
    "BetweenSeeds",
    "between_seeds",
    "cluster_se",
    "hc3_se",
    "hotelling_p",
    "mean_p",
    "mixed_se",
    "ols_se",
    "slopes",
    "welch_looks",
]

Array = NDArray[np.float64]


def slopes(x: Array, y: Array, degree: int = 1) -> Array:
    """The leading coefficient of the polynomial fit of each row of y [..., m] on x [m]."""
    weights: Array = np.linalg.pinv(polynomial(x - x.mean(), degree))[degree]
    found: Array = y @ weights
    return found


def ols_se(x: Array, y: Array) -> Array:
    """OLS standard error of the slope over rows; centred x [m], y [sweeps, seeds, m]."""
    weights, residuals = _weights(x, y)
    variance = (residuals**2).sum(axis=(1, 2)) / (y[0].size - 2)
    se: Array = np.sqrt(variance * y.shape[1] * float(weights @ weights))
    return se


def hc3_se(x: Array, y: Array) -> Array:
    """HC3 standard error of the slope over rows (MacKinnon and White 1985)."""
    weights, residuals = _weights(x, y)
    leverage = 1 / y[0].size + x * weights
    se: Array = np.sqrt(((weights * residuals / (1 - leverage)) ** 2).sum(axis=(1, 2)))
    return se


def cluster_se(x: Array, y: Array) -> Array:
    """Standard error of the slope clustered by seed, with the small-sample factor."""
    weights, residuals = _weights(x, y)
    k, n = y.shape[1], y[0].size
    scores = (weights * residuals).sum(axis=2)
    se: Array = np.sqrt(k / (k - 1) * (n - 1) / (n - 2) * (scores**2).sum(axis=1))
    return se


def _weights(x: Array, y: Array) -> tuple[Array, Array]:
    """The OLS weights of the slope for one row a point, and the residuals [sweeps, seeds, m]."""
    k = y.shape[1]
    weights = x / (k * float(x @ x))
    slope = (y * weights).sum(axis=(1, 2), keepdims=True)
    residuals: Array = y - y.mean(axis=(1, 2), keepdims=True) - slope * x
    return weights, residuals


@dataclass(frozen=True)
class BetweenSeeds:
    """REML estimate of y = (a + a_s) + (b + b_s)(x − mean x) + noise, every seed s at every x.

    noise: its variance. loadings [2, rank]: (a_s, b_s) = √noise · loadings · u with u ~ N(0, I);
    rank 0, 1 or 2 of them, for REML may find that seeds scatter in one direction, or in none.
    slope_se: of b.
    """

    noise: float
    loadings: Array
    slope_se: float


def between_seeds(x: Array, table: Array) -> BetweenSeeds:
    """Closed form for table [seeds, x] without gaps.

    The scatter of the seeds' own lines against what the points' noise alone gives them; a
    direction below that noise is pooled with it (Anderson, Anderson and Olkin 1986, Annals of
    Statistics 14, 405).
    """
    k, m = table.shape
    q, r = np.linalg.qr(polynomial(x - x.mean(), 1))
    own = table @ q
    rss = float(((table - own @ q.T) ** 2).sum())
    values, vectors = np.linalg.eigh(np.cov(own.T))
    noise = max(_pooled(values, rss, (k - 1, k * (m - 2))), rounding(table))
    spread = np.maximum(values, noise)
    way = vectors.T @ np.linalg.solve(r.T, np.array([0.0, 1.0]))
    scatter = spread > noise
    loadings = np.linalg.inv(r) @ vectors[:, scatter] * np.sqrt(spread[scatter] / noise - 1)
    return BetweenSeeds(noise, loadings, math.sqrt(float(spread @ way**2) / k))


def _pooled(values: Array, rss: float, df: tuple[int, int]) -> float:
    """The noise variance, with the ascending eigenvalues `values` that lie below it.

    rss: residual sum of squares with df[1] degrees of freedom; each eigenvalue has df[0].
    """
    total, weight = rss, df[1]
    for value in values:
        if weight and value >= total / weight:
            break
        total, weight = total + df[0] * float(value), weight + df[0]
    return total / weight


def mixed_se(x: Array, table: Array) -> float:
    """Standard error of the slope of the mixed model, for table [seeds, x]."""
    return between_seeds(x, table).slope_se


def mean_p(values: Array) -> Array:
    """p of the t test that the mean over seeds is zero; values [sweeps, seeds, q] -> [.., q]."""
    k = values.shape[1]
    t = values.mean(axis=1) / (values.std(axis=1, ddof=1) / math.sqrt(k))
    p: Array = 2 * stats.t.sf(np.abs(t), k - 1)
    return p


def hotelling_p(values: Array) -> Array:
    """p of Hotelling's T² that the mean vector over seeds is zero; values [sweeps, seeds, q]."""
    _, k, q = values.shape
    mean = values.mean(axis=1)
    rest = values - mean[:, None]
    scatter = np.einsum("skp,skq->spq", rest, rest) / (k - 1)
    t2 = k * np.einsum("sp,sp->s", mean, np.linalg.solve(scatter, mean[..., None])[..., 0])
    p: Array = stats.f.sf(t2 * (k - q) / (q * (k - 1)), q, k - q)
    return p


def welch_looks(values: Array, first: int) -> tuple[Array, Array, Array]:
    """Welch's test after each seed from `first` on: difference, degrees of freedom, its error.

    values [2 arms, sweep, metric, seed]; each result is [sweep, metric, look].
    """
    n = np.arange(first, values.shape[-1] + 1)
    means, squares = (part.cumsum(axis=-1)[..., first - 1 :] / n for part in (values, values**2))
    va, vb = np.maximum(squares - means**2, 0) / (n - 1)
    df = (va + vb) ** 2 / ((va**2 + vb**2) / (n - 1))
    return means[0] - means[1], df, np.sqrt(va + vb)
