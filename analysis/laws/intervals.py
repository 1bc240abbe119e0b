"""Intervals of ν: the one in the headline, and others beside it as diagnostics.

Only the t interval of per-seed slopes covers what it promises when seeds differ; each of the
other intervals carries in its name what it was seen to cover (see `analysis.laws.coverage`).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from analysis.laws.sample import Sample
from analysis.statistics.estimate import Estimate
from analysis.statistics.means import mean_estimate
from analysis.statistics.mixed import mixed_slope
from analysis.statistics.regression import fit_linear, leading_coefficients, polynomial

__all__ = ["BY_ROW", "BY_SEED", "exponent", "other_intervals", "r_squared"]

BY_SEED = "t interval of per-seed slopes"
BY_ROW = "OLS t interval"
BOOTSTRAP_SEEDS = 20
NARROW = "too narrow when seeds differ"
NU = np.array([0.0, -1.0])

Array = NDArray[np.float64]


def exponent(data: Sample, level: float, looked: bool = False) -> Estimate:
    """ν: from two seeds on by the t interval of per-seed slopes, else by OLS over rows.

    looked: whether seeds were added until it was narrow, which the interval over seeds allows for.
    """
    if data.table is not None and data.n_seeds > 1:
        found = mean_estimate(-leading_coefficients(data.grid, data.table), BY_SEED, level)
        return found.after_looks() if looked else found
    return fit_linear(_line(data), data.y).estimate(NU, BY_ROW, level)


def other_intervals(data: Sample, level: float) -> tuple[Estimate, ...]:
    """ν over rows (OLS, HC3), by seed (clustered, mixed model) and by bootstrap."""
    line, narrow = _line(data), "" if data.table is None else f" ({NARROW})"
    found = [
        fit_linear(line, data.y).estimate(NU, f"OLS{narrow}", level),
        fit_linear(line, data.y, "HC3").estimate(NU, f"HC3{narrow}", level),
    ]
    if data.table is None:
        return tuple(found)
    if data.n_seeds >= 2:
        clustered = fit_linear(line, data.y, "cluster", groups=data.seed)
        found.append(clustered.estimate(NU, "clustered by seed", level))
    if data.n_seeds >= 3:
        found.append(mixed_slope(data.grid, data.table, level).minus())
    if data.n_seeds >= BOOTSTRAP_SEEDS:
        found.append(_bootstrap(-leading_coefficients(data.grid, data.table), level))
    return tuple(found)


def r_squared(data: Sample) -> float:
    """Of the OLS line over rows."""
    return fit_linear(_line(data), data.y).r2


def _line(data: Sample) -> Array:
    return polynomial(data.x - data.center, 1)


def _bootstrap(nus: Array, level: float) -> Estimate:
    """BCa bootstrap (Efron 1987) of the mean per-seed slope, whole seeds resampled."""
    found = stats.bootstrap(
        (nus,),
        np.mean,
        n_resamples=4999,
        confidence_level=level,
        method="BCa",
        rng=np.random.default_rng(0),
    )
    low, high = found.confidence_interval
    return Estimate(
        float(nus.mean()),
        float(found.standard_error),
        float(low),
        float(high),
        math.nan,
        math.nan,
        "bootstrap over seeds (BCa)",
        level,
    )
