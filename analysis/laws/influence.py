"""How much one value of x decides of the exponent."""

from __future__ import annotations

import math
from dataclasses import dataclass

from analysis.laws.sample import Sample
from analysis.statistics.regression import fit_linear, polynomial

__all__ = ["Influence", "influence"]


@dataclass(frozen=True)
class Influence:
    """ν without one x, and how far that moves it, in standard errors of ν."""

    x: float
    nu: float
    shift: float


def influence(data: Sample, se: float) -> tuple[Influence, ...]:
    """ν of the means over seeds with each x left out; empty with fewer than four values of x."""
    if len(data.grid) < 4:
        return ()
    line = fit_linear(polynomial(data.grid - data.center, 1), data.means)
    whole = -float(line.coefficients[1])
    return tuple(
        Influence(math.exp(at), nu, (nu - whole) / se if se > 0 else math.nan)
        for at, nu in zip(data.grid, (-line.without_each()[:, 1]).tolist(), strict=True)
    )
