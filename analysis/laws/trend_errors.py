"""How often a trend of ν is found over values of d_z that all have the same, by simulation.

Seeds are disjoint: each value of d_z has its own (`analysis.laws.scaling`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from analysis.statistics.batched import ols_se, slopes

__all__ = ["trend_errors"]

Array = NDArray[np.float64]


def trend_errors(x: Array, y: Array, alpha: float = 0.05) -> tuple[float, float]:
    """The share of sweeps with a trend of ν: by weighted least squares, by the scatter of seeds.

    x [m]: log σ. y [values, sweeps, seeds, m]: log y at values of d_z that are spaced evenly in
    log d_z, three or more. By weights, 1/se² of each law as if it were known, a trend is tested
    from one seed on, with the standard error of OLS; by seeds from two on, NaN below.
    """
    nus = -slopes(x, y)
    count, k = len(y), y.shape[2]
    at = np.arange(count, dtype=np.float64) - (count - 1) / 2
    means = nus.mean(axis=2)
    if k == 1:
        own = np.stack([ols_se(x - x.mean(), one) for one in y]) ** 2
        return _weighted(at, means, own, alpha), float("nan")
    own = nus.var(axis=2, ddof=1) / k
    c = at[:, None] / (at @ at)
    parts = c**2 * own
    variance = parts.sum(axis=0)
    df = variance**2 / (parts**2).sum(axis=0) * (k - 1)
    t = np.abs((c * means).sum(axis=0)) / np.sqrt(variance)
    return _weighted(at, means, own, alpha), float((2 * stats.t.sf(t, df) < alpha).mean())


def _weighted(at: Array, means: Array, variances: Array, alpha: float) -> float:
    """By least squares of means [values, sweeps] with the weights 1/variances."""
    w = 1 / variances
    x = at[:, None] - (w * at[:, None]).sum(axis=0) / w.sum(axis=0)
    slope = (w * x * means).sum(axis=0) / (w * x**2).sum(axis=0)
    rest = means - (w * means).sum(axis=0) / w.sum(axis=0) - slope * x
    df = len(at) - 2
    se = np.sqrt((w * rest**2).sum(axis=0) / df / (w * x**2).sum(axis=0))
    return float((2 * stats.t.sf(np.abs(slope) / se, df) < alpha).mean())
