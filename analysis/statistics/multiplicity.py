"""Corrections of p values for the number of tests in one family."""

from __future__ import annotations

import gc
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from statsmodels.stats.multitest import multipletests

from analysis.statistics.estimate import Estimate

__all__ = ["Place", "holm", "holm_levels", "places", "which_decides"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Place:
    """What a family of tests makes of one of them.

    p: corrected (Holm); NaN without a test. level: what Holm's method compares the test's own p
    with. tests: how many the family has.
    """

    p: float
    level: float
    tests: int


def places(p: Sequence[float], alpha: float = 0.05) -> list[Place]:
    """The place of each p value in one family at `alpha`; NaN, no test, is not counted."""
    own = np.array(p, dtype=np.float64)
    known = np.isfinite(own)
    levels = np.full(len(own), alpha)
    levels[known] = holm_levels(own[known], alpha)
    tests = int(known.sum())
    return [
        Place(corrected, level, tests)
        for corrected, level in zip(holm(own).tolist(), levels.tolist(), strict=True)
    ]


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


def which_decides(tests: Iterable[tuple[float | None, Estimate]]) -> str:
    """A sentence if one of these rejects 0 and its interval holds 0; else nothing.

    tests: p, corrected by Holm's method, and the difference with a simultaneous interval.
    """
    apart = any(
        p is not None and p < 1 - one.level and one.low <= 0 <= one.high for p, one in tests
    )
    return (
        "The p decides: Holm's method may reject equality where the interval, which is wider "
        "(Bonferroni), still holds zero."
    ) * apart
