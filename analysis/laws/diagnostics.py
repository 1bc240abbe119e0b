"""What else the rows of a law say: other intervals, lack of fit, influence, local exponent.

Only the t interval of per-seed slopes covers what it promises when seeds differ; each of the
other intervals carries in its name what it was seen to cover (see `analysis.laws.coverage`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from analysis.laws.regression import Estimate, fit_linear, polynomial, rounding, slopes, t_estimate
from analysis.laws.sample import Sample

__all__ = [
    "BOOTSTRAP_SEEDS",
    "Influence",
    "LackOfFit",
    "LocalExponent",
    "influence",
    "lack_of_fit",
    "local_exponents",
    "mixed_se",
    "other_intervals",
]

Array = NDArray[np.float64]
BOOTSTRAP_SEEDS = 20
NARROW = "too narrow when seeds differ"
MIXED = "mixed model (normal interval, narrow with few seeds)"


@dataclass(frozen=True)
class LackOfFit:
    """F test of the straight line against a free mean at each x, with replicates as the noise."""

    f: float
    df: tuple[int, int]
    p: float


@dataclass(frozen=True)
class Influence:
    """ν without one x, and how far that moves it, in standard errors of ν."""

    x: float
    nu: float
    shift: float


@dataclass(frozen=True)
class LocalExponent:
    """−d log y / d log x at x, from the quadratic fit, with its interval."""

    x: float
    nu: float
    low: float
    high: float


def other_intervals(data: Sample, level: float) -> tuple[Estimate, ...]:
    """Intervals for ν by rows (OLS, HC3), by seed (clustered, mixed) and by bootstrap."""
    found = [_ols(data, level), _hc3(data, level)]
    if data.n_seeds >= 2:
        found.append(_clustered(data, level))
    if data.n_seeds >= 3:
        found.append(_mixed(data, level))
    if data.n_seeds >= BOOTSTRAP_SEEDS:
        found.append(_bootstrap(data, level))
    return tuple(found)


def _ols(data: Sample, level: float) -> Estimate:
    name = "OLS" if data.table is None else f"OLS ({NARROW})"
    fit = fit_linear(polynomial(data.x - data.center, 1), data.y)
    return fit.estimate(np.array([0.0, -1.0]), name, level)


def _hc3(data: Sample, level: float) -> Estimate:
    """Heteroscedasticity-consistent errors, MacKinnon and White 1985, with n − 2 df."""
    name = "HC3" if data.table is None else f"HC3 ({NARROW})"
    nu, weights, residuals = _by_row(data)
    leverage = np.square(np.linalg.qr(polynomial(data.x - data.center, 1))[0]).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        se = float(np.linalg.norm(weights * residuals / (1 - leverage)))
    return t_estimate(nu, se, len(data.x) - 2, name, level)


def _clustered(data: Sample, level: float) -> Estimate:
    """Errors clustered by seed with the small-sample factor, and k − 1 df."""
    nu, weights, residuals = _by_row(data)
    k, n = data.n_seeds, len(data.x)
    scores = np.bincount(data.seed, weights * residuals)
    se = math.sqrt(k / (k - 1) * (n - 1) / (n - 2) * float(scores @ scores))
    return t_estimate(nu, se, k - 1, "clustered by seed", level)


def _by_row(data: Sample) -> tuple[float, Array, Array]:
    """ν of OLS over rows, the weight of each row in it, and the residuals."""
    design = polynomial(data.x - data.center, 1)
    inverse = np.linalg.pinv(design)
    coefficients = inverse @ data.y
    return -float(coefficients[1]), inverse[1], data.y - design @ coefficients


def _mixed(data: Sample, level: float) -> Estimate:
    """REML fit with a random intercept and slope a seed; normal interval."""
    assert data.table is not None
    value = -float(slopes(data.grid, data.table).mean())
    return t_estimate(value, mixed_se(data.grid, data.table), 1e9, MIXED, level)


def mixed_se(x: Array, table: Array) -> float:
    """Standard error of the slope in REML with a random line a seed; table [seeds, x].

    Every seed has every x, so REML has a closed form (Anderson, Anderson and Olkin 1986,
    Annals of Statistics 14, 405): the scatter of the seeds' own lines, measured against what
    the points' noise alone gives them, with no direction below that noise.
    """
    k, m = table.shape
    q, r = np.linalg.qr(polynomial(x - x.mean(), 1))
    own = table @ q
    noise = float(((table - own @ q.T) ** 2).sum())
    values, vectors = np.linalg.eigh(np.cov(own.T))
    spread = _at_least_noise(values, noise, (k - 1, k * (m - 2)))
    way = vectors.T @ np.linalg.solve(r.T, np.array([0.0, 1.0]))
    return math.sqrt(float(spread @ way**2) / k)


def _at_least_noise(values: Array, noise: float, df: tuple[int, int]) -> Array:
    """Eigenvalues, ascending, of which those below the noise are pooled with it.

    noise: residual sum of squares with df[1] degrees of freedom; each eigenvalue has df[0].
    """
    total, weight = noise, df[1]
    for value in values:
        if weight and value >= total / weight:
            break
        total, weight = total + df[0] * float(value), weight + df[0]
    return np.maximum(values, total / weight)


def _bootstrap(data: Sample, level: float) -> Estimate:
    """BCa bootstrap of the mean per-seed slope, whole seeds resampled."""
    assert data.table is not None
    nus = -slopes(data.grid, data.table)
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


def lack_of_fit(data: Sample) -> LackOfFit | None:
    """The line against free means; None without replicates, without noise, or with two x only.

    With seeds, each seed has a line of its own, for seeds differ in slope: the noise is what is
    left of seed by x after those lines and the means of what they leave. Without, it is the
    spread of repeated rows.
    """
    m = len(data.grid)
    if m <= 2:
        return None
    if data.table is not None:
        line = np.linalg.qr(polynomial(data.grid - data.center, 1))[0]
        rest = data.table - data.table @ line @ line.T
        k, mean = len(rest), rest.mean(axis=0)
        lack, error, df = (
            k * float(mean @ mean),
            float(((rest - mean) ** 2).sum()),
            (m - 2) * (k - 1),
        )
    else:
        lack, error, df = _pure_error(data)
    if df <= 0 or error <= df * rounding(data.y):
        return None
    f = (lack / (m - 2)) / (error / df)
    return LackOfFit(f, (m - 2, df), float(stats.f.sf(f, m - 2, df)))


def _pure_error(data: Sample) -> tuple[float, float, int]:
    line = fit_linear(polynomial(data.x, 1), data.y)
    within = data.y - data.means[np.searchsorted(data.grid, data.x)]
    error = float(within @ within)
    return line.rss - error, error, len(data.x) - len(data.grid)


def influence(data: Sample, se: float) -> tuple[Influence, ...]:
    """ν with each x left out in turn; empty with fewer than four values of x."""
    if len(data.grid) < 4:
        return ()
    whole = -float(slopes(data.grid, data.means))
    found = []
    for i, at in enumerate(data.grid):
        keep = np.arange(len(data.grid)) != i
        nu = -float(slopes(data.grid[keep], data.means[keep]))
        found.append(Influence(math.exp(at), nu, (nu - whole) / se if se > 0 else math.nan))
    return tuple(found)


def local_exponents(data: Sample, level: float) -> tuple[LocalExponent, ...]:
    """−d log y/d log x of the quadratic fit at each x; empty with fewer than four values.

    The band is, with three seeds or more, the t interval of the seeds' own curves; with fewer
    it is that of one OLS fit to the means.
    """
    if len(data.grid) < 4:
        return ()
    u = data.grid - data.center
    weights = np.column_stack([np.zeros_like(u), -np.ones_like(u), -2 * u])
    if data.table is None or len(data.table) < 3:
        fit = fit_linear(polynomial(u, 2), data.means)
        bands = [fit.estimate(w, "OLS", level) for w in weights]
    else:
        curves = data.table @ np.linalg.pinv(polynomial(u, 2)).T @ weights.T
        se = curves.std(axis=0, ddof=1) / math.sqrt(len(curves))
        bands = [
            t_estimate(float(value), float(s), len(curves) - 1, "per seed", level)
            for value, s in zip(curves.mean(axis=0), se, strict=True)
        ]
    return tuple(
        LocalExponent(math.exp(at), band.value, band.low, band.high)
        for at, band in zip(data.grid, bands, strict=True)
    )
