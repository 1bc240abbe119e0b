"""Corrections of p values for the number of tests in one family."""

from __future__ import annotations

import gc
import math

import numpy as np
from numpy.typing import NDArray
from statsmodels.stats.multitest import multipletests

__all__ = ["holm", "holm_levels"]

Array = NDArray[np.float64]


def holm(p: Array) -> Array:
    """p values corrected over the whole family (Holm 1979); NaN, no test, stays NaN."""
    found, known = np.full(len(p), math.nan), np.isfinite(p)
    if known.any():
        gc.freeze()  # multipletests collects garbage, which takes 70 ms and more each time
        try:
            found[known] = multipletests(p[known], method="holm")[1]
        finally:
            gc.unfreeze()
    return found


def holm_levels(p: Array, alpha: float) -> Array:
    """The level that Holm's method compares each p value with, for a family at `alpha`.

    The i-th smallest of m gets alpha/(m − i + 1); from the first that is not below its level on,
    all get that level, so that p < level says exactly what Holm's method rejects.
    """
    order, m = np.argsort(p, kind="stable"), len(p)
    levels, failed = np.empty(m), None
    for rank, at in enumerate(order):
        levels[at] = alpha / (m - rank) if failed is None else failed
        if failed is None and not p[at] < levels[at]:
            failed = levels[at]
    return levels
