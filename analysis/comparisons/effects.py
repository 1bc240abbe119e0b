"""How far apart two samples are: Welch's interval of the difference, and Hedges' g."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from analysis.laws.regression import Estimate, t_estimate

__all__ = ["hedges", "welch"]

Array = NDArray[np.float64]


def welch(a: Array, b: Array, level: float) -> Estimate:
    """mean(a) − mean(b) with Welch's interval; NaN with fewer than two values a side.

    NaN too if neither side scatters: equal numbers say nothing of what another seed would give.
    """
    value = float(a.mean() - b.mean())
    if min(len(a), len(b)) < 2:
        return t_estimate(value, math.nan, 0, "Welch", level)
    va, vb = a.var(ddof=1) / len(a), b.var(ddof=1) / len(b)
    if va + vb == 0:
        return t_estimate(value, math.nan, 0, "Welch", level)
    df = (va + vb) ** 2 / (va**2 / (len(a) - 1) + vb**2 / (len(b) - 1))
    return t_estimate(value, math.sqrt(va + vb), float(df), "Welch", level)


def hedges(a: Array, b: Array, level: float) -> Estimate:
    """Hedges' g with its large-sample interval (Hedges and Olkin 1985)."""
    n, m = len(a), len(b)
    if min(n, m) < 2:
        return t_estimate(math.nan, math.nan, 0, "Hedges' g", level)
    pooled = math.sqrt(((n - 1) * a.var(ddof=1) + (m - 1) * b.var(ddof=1)) / (n + m - 2))
    if pooled == 0:
        return t_estimate(math.nan, math.nan, 0, "Hedges' g", level)
    g = (1 - 3 / (4 * (n + m) - 9)) * float(a.mean() - b.mean()) / pooled
    se = math.sqrt((n + m) / (n * m) + g**2 / (2 * (n + m)))
    half = float(stats.norm.ppf((1 + level) / 2)) * se
    return Estimate(
        g,
        se,
        g - half,
        g + half,
        n + m - 2,
        float(2 * stats.norm.sf(abs(g) / se)),
        "Hedges' g",
        level,
    )
