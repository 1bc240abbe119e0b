"""Whether the points of a law lie on a straight line: bend, lack of fit, local exponent.

All is on logarithms: a power law is a straight line of log y on log x. Every test compares seeds:
one number a seed, tested by the scatter of these numbers. The points of one seed share its
initialisation and its noise, so their residuals say nothing of another seed, and below `LEAST`
seeds nothing is tested.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.laws.sample import Sample
from analysis.statistics.estimate import Estimate, unknown
from analysis.statistics.means import hotelling, mean_estimate
from analysis.statistics.regression import FTest, fit_linear, leading_coefficients, polynomial

__all__ = [
    "CURVATURES",
    "LEAST",
    "Curvature",
    "LocalExponent",
    "bend",
    "departures",
    "lack_of_fit",
    "local_exponents",
]

Array = NDArray[np.float64]
LEAST = 3  # seeds from which a shape is tested


@dataclass(frozen=True)
class Curvature:
    """How the coefficient of (log σ)² of log y scatters: its sd between `seeds` on `data`.

    It is the scale for the bend of a published curve, which has no seeds.
    """

    sd: float
    seeds: int
    data: str


# MNIST's recon gave 0.0055 (three seeds): the larger of the two is used.
CURVATURES = {
    "test/kl": Curvature(0.028, 8, "digits"),
    "test/recon": Curvature(0.0075, 3, "digits"),
}


@dataclass(frozen=True)
class LocalExponent:
    """−d log y / d log x at x, from the quadratic fit, with its interval over seeds."""

    x: float
    nu: float
    low: float
    high: float


def bend(data: Sample, level: float) -> Estimate:
    """The coefficient q of (log x)²; NaN with fewer than four values of x.

    From three seeds on its interval is the t interval of the seeds' own q; one or two seeds give
    a value without an interval. Points without seeds, a published curve, have the interval of
    OLS, whose p is that of the F test of the quadratic against the line (F = t²).
    """
    if len(data.grid) < 4:
        return unknown(math.nan, "needs four values of x", level)
    if data.table is None:
        quadratic = fit_linear(polynomial(data.x - data.center, 2), data.y)
        return quadratic.estimate(np.array([0.0, 0.0, 1.0]), "OLS t interval", level)
    own = leading_coefficients(data.grid, data.table, 2)
    if len(own) < LEAST:
        return unknown(float(own.mean()), "needs three seeds", level)
    return mean_estimate(own, "t interval of per-seed curvatures", level)


def lack_of_fit(data: Sample) -> FTest | None:
    """Hotelling's T² that the mean curve over seeds departs from every parabola.

    The bend has a test of its own; this one looks for what is left. None below three seeds or
    five values of x, and where the points have no noise.
    """
    if data.table is None or data.n_seeds < LEAST or len(data.grid) < 5:
        return None
    return hotelling(data.table @ departures(data.grid, data.n_seeds), float(abs(data.y).max()))


def departures(grid: Array, seeds: int) -> Array:
    """Contrasts [m, p]: orthogonal polynomials of degree 3 and more on the grid [m].

    p grows slowly with the number of seeds, from one at three of them to three at seven: T²
    has k − p degrees of freedom, and with few of these no power.
    """
    count = min((seeds - 1) // 2, 3, len(grid) - 3)
    basis: Array = np.linalg.qr(polynomial(grid - grid.mean(), 2 + count))[0][:, 3:]
    return basis


def local_exponents(data: Sample, level: float) -> tuple[LocalExponent, ...]:
    """−d log y/d log x of the quadratic fit at each x; empty with fewer than four values.

    The interval is the t interval of the seeds' own curves, NaN below three seeds.
    """
    if len(data.grid) < 4:
        return ()
    u = data.grid - data.center
    weights = np.column_stack([np.zeros_like(u), -np.ones_like(u), -2 * u])
    rows = data.means[None, :] if data.table is None else data.table
    own = np.array([fit_linear(polynomial(u, 2), row).coefficients for row in rows])
    if len(own) < LEAST:
        own = own.mean(axis=0, keepdims=True)
    bands = [mean_estimate(own @ one, "per seed", level) for one in weights]
    return tuple(
        LocalExponent(math.exp(at), band.value, band.low, band.high)
        for at, band in zip(data.grid, bands, strict=True)
    )
