"""How often a sweep with several pairs has a false *equivalent*, by simulation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from analysis.equivalence.verdict import ALPHA, LEAST_SEEDS
from analysis.statistics.batched import welch_looks

__all__ = ["false_equivalents"]

Array = NDArray[np.float64]


def false_equivalents(
    arms: tuple[Array, Array], margin: float, alpha: float = ALPHA
) -> tuple[float, float]:
    """The share of sweeps with a pair that is called equivalent: each at alpha, and as a family.

    arms: log metrics [sweeps, seeds, pairs], whose true means are `margin` or more apart. NaN
    below five seeds, with which no verdict is given.
    """
    seeds = arms[0].shape[1]
    if seeds < LEAST_SEEDS:
        return float("nan"), float("nan")
    values = np.stack(arms).transpose(0, 1, 3, 2)
    gap, df, se = (part[..., 0] for part in welch_looks(values, seeds))
    gap = np.abs(gap)
    alike = stats.t.sf((margin - gap) / se, df)
    apart = stats.t.sf((gap - margin) / se, df) + stats.t.sf((gap + margin) / se, df)
    found = (alike < apart) & (_holm(np.minimum(alike, apart)) < alpha)
    return float((alike < alpha).any(axis=1).mean()), float(found.any(axis=1).mean())


def _holm(p: Array) -> Array:
    """Each row of p values corrected as one family (Holm 1979)."""
    order = p.argsort(axis=1)
    ordered = np.take_along_axis(p, order, axis=1) * np.arange(p.shape[1], 0, -1)
    corrected = np.empty_like(p)
    np.put_along_axis(corrected, order, np.maximum.accumulate(ordered, axis=1), axis=1)
    return corrected
