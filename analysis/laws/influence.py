"""How much one value of x decides of the exponent."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.laws.sample import Sample
from analysis.laws.shape import LEAST
from analysis.statistics.means import mean_estimate
from analysis.statistics.multiplicity import holm
from analysis.statistics.regression import polynomial

__all__ = ["Influence", "influence", "shift_weights"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Influence:
    """ν without one x, and how far that moves it, in standard errors of ν.

    p: of the t test over seeds that ν does not move (n_seeds − 1 degrees of freedom); p_holm: of
    all x of the law, or of all laws that stand together; NaN below three seeds.
    """

    x: float
    nu: float
    shift: float
    p: float
    p_holm: float


def influence(data: Sample, se: float) -> tuple[Influence, ...]:
    """The mean over seeds of ν with each x left out; empty with fewer than four values of x."""
    if len(data.grid) < 4:
        return ()
    weights = shift_weights(data.grid)
    rows = data.means[None, :] if data.table is None else data.table
    moved = [mean_estimate(column, "per seed") for column in (rows @ weights).T]
    p = np.array([one.p if len(rows) >= LEAST else math.nan for one in moved])
    whole = -float(np.linalg.pinv(polynomial(data.grid - data.center, 1))[1] @ data.means)
    return tuple(
        Influence(math.exp(at), whole + one.value, one.value / se if se > 0 else math.nan, *each)
        for at, one, *each in zip(data.grid, moved, p.tolist(), holm(p).tolist(), strict=True)
    )


def shift_weights(grid: Array) -> Array:
    """[m, m]: y [m] times column i is the change of ν when point i is left out of the fit.

    The slope without point i is b − w_i e_i / (1 − h_i), with its weight in the slope, its
    residual and its leverage (Belsley, Kuh and Welsch 1980).
    """
    design = polynomial(grid - grid.mean(), 1)
    pinv = np.linalg.pinv(design)
    hat = design @ pinv
    weights: Array = (np.eye(len(grid)) - hat) * (pinv[1] / (1 - np.diag(hat)))
    return weights
