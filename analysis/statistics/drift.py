"""The slope of a time series, with an error that allows for serial correlation."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from analysis.statistics.estimate import Estimate, rounding, unknown

__all__ = ["late", "slope", "slopes"]

Array = NDArray[np.float64]
METHOD = "t interval of the slope, serial correlation allowed for"
MOST_CORRELATED = 0.95


def late(at: Array) -> NDArray[np.bool_]:
    """Which of the ascending epochs `at` [n ≥ 2] lie in the last fifth; the last two always do."""
    found: NDArray[np.bool_] = at >= min(math.floor(0.8 * at[-1]), at[-2])
    return found


def slope(at: Array, values: Array, level: float = 0.95) -> Estimate:
    """The change of `values` [n] by unit of `at` [n], as `slopes`."""
    return slopes(at, values[None, :], level)[0]


def slopes(at: Array, table: Array, level: float = 0.95) -> list[Estimate]:
    """The change of each row of `table` [k, n ≥ 2] by unit of `at` [n], by least squares.

    Neighbouring epochs are alike, so n of them count as n(1 − r)/(1 + r) independent ones, r the
    correlation of neighbouring residuals, with 2/n added for what fitting a line takes from it and
    never below zero. Below three values there is no interval.
    """
    n, x = len(at), at - at.mean()
    square = float(x @ x)
    value = table @ x / square
    if n < 3:
        return [unknown(float(one), METHOD, level) for one in value]
    residuals = table - table.mean(axis=1, keepdims=True) - value[:, None] * x
    least = n * np.array([rounding(row) for row in table])
    scatter = np.maximum((residuals**2).sum(axis=1), least)
    r = (residuals[:, 1:] * residuals[:, :-1]).sum(axis=1) / scatter + 2 / n
    r = r.clip(0.0, MOST_CORRELATED)
    alike = (1 + r) / (1 - r)
    df = np.maximum(n / alike - 2, 1.0)
    se = np.sqrt(scatter / (n - 2) * alike / square)
    low, high = stats.t.interval(level, df, value, se)
    p = 2 * stats.t.sf(np.abs(value) / se, df)
    return [
        Estimate(v, s, lo, hi, own, chance, METHOD, level)
        for v, s, lo, hi, own, chance in zip(
            *(column.tolist() for column in (value, se, low, high, df, p)), strict=True
        )
    ]
