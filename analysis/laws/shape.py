"""Whether the points of a law lie on a straight line: bend, lack of fit, local exponent.

All is on logarithms: a power law is a straight line of log y on log x.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from analysis.laws.sample import Sample
from analysis.statistics.estimate import Estimate, rounding, unknown
from analysis.statistics.means import mean_estimate
from analysis.statistics.regression import FTest, fit_linear, leading_coefficients, polynomial

__all__ = ["LocalExponent", "bend", "lack_of_fit", "local_exponents"]

BY_SEED = 3  # seeds from which a shape is tested by the scatter between seeds


@dataclass(frozen=True)
class LocalExponent:
    """−d log y / d log x at x, from the quadratic fit, with its interval."""

    x: float
    nu: float
    low: float
    high: float


def bend(data: Sample, level: float) -> Estimate:
    """The coefficient q of (log x)²; NaN with fewer than four values of x.

    From three seeds on its interval is the t interval of the seeds' own q. Below that it is that
    of OLS on the means over seeds, whose p is that of the F test of the quadratic against the
    line (F = t²).
    """
    if len(data.grid) < 4:
        return unknown(math.nan, "needs four values of x", level)
    if data.table is not None and data.n_seeds >= BY_SEED:
        own = leading_coefficients(data.grid, data.table, 2)
        return mean_estimate(own, "t interval of per-seed curvatures", level)
    x, y = (data.x, data.y) if data.table is None else (data.grid, data.means)
    quadratic = fit_linear(polynomial(x - data.center, 2), y)
    return quadratic.estimate(np.array([0.0, 0.0, 1.0]), "OLS t interval", level)


def lack_of_fit(data: Sample) -> FTest | None:
    """F test of the line against a free mean at each x, with replicates as the noise.

    With seeds, each has a line of its own in both models, for seeds differ in slope; without,
    repeated rows are the replicates. None without replicates, without noise, or with fewer than
    three values of x.
    """
    m, k = len(data.grid), data.n_seeds
    if m < 3 or len(data.x) - m - 2 * (k - 1) <= 0:
        return None
    own = (data.seed[:, None] == np.arange(k)).astype(np.float64)
    line = np.column_stack([own, own * (data.x - data.center)[:, None]])
    means = (data.x[:, None] == data.grid[None, 1:-1]).astype(np.float64)
    free = fit_linear(np.column_stack([line, means]), data.y)
    if free.rss <= free.results.df_resid * rounding(data.y):
        return None
    return free.against(fit_linear(line, data.y))


def local_exponents(data: Sample, level: float) -> tuple[LocalExponent, ...]:
    """−d log y/d log x of the quadratic fit at each x; empty with fewer than four values.

    The interval is, from three seeds on, the t interval of the seeds' own curves; below that it
    is that of one OLS fit to the means.
    """
    if len(data.grid) < 4:
        return ()
    u = data.grid - data.center
    weights = np.column_stack([np.zeros_like(u), -np.ones_like(u), -2 * u])
    design = polynomial(u, 2)
    if data.table is None or data.n_seeds < BY_SEED:
        fit = fit_linear(design, data.means)
        bands = [fit.estimate(one, "OLS", level) for one in weights]
    else:
        own = np.array([fit_linear(design, row).coefficients for row in data.table])
        bands = [mean_estimate(own @ one, "per seed", level) for one in weights]
    return tuple(
        LocalExponent(math.exp(at), band.value, band.low, band.high)
        for at, band in zip(data.grid, bands, strict=True)
    )
