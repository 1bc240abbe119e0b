"""Corrections of p values for the number of tests in one family."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from statsmodels.stats.multitest import multipletests

__all__ = ["holm"]

Array = NDArray[np.float64]


def holm(p: Array) -> Array:
    """p values corrected over the whole family (Holm 1979); NaN, no test, stays NaN."""
    found, known = np.full(len(p), math.nan), np.isfinite(p)
    if known.any():
        found[known] = multipletests(p[known], method="holm")[1]
    return found
