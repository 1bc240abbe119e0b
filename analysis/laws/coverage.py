"""What the interval of ν covers and how often each test of a law errs, by simulation.

Sweeps whose law is straight are simulated with seeds that scatter as they were measured to on
digits (`MEASURED`) or with independent noise (`INDEPENDENT`).
`python -m analysis.equivalence.error_rates` prints the table.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from analysis.laws.added_seeds import SLOPE_SD, first_look
from analysis.laws.influence import shift_weights
from analysis.laws.intervals import BY_SEED
from analysis.laws.shape import CURVATURES, LEAST, departures
from analysis.statistics.batched import (
    cluster_se,
    hc3_se,
    hotelling_p,
    mean_p,
    mixed_se,
    ols_se,
    slopes,
)
from analysis.statistics.mixed import MIXED

__all__ = [
    "ANY",
    "INDEPENDENT",
    "MEASURED",
    "SIGMA",
    "TESTS",
    "Seeds",
    "Stopped",
    "cover",
    "cover_until",
    "errors",
    "headline",
    "intervals",
    "over_rows",
    "published_errors",
    "simulate",
]

Array = NDArray[np.float64]
SIGMA = np.linspace(0.03, 0.27, 9)
TESTS = ("bend", "lack of fit", "rivals", "influence")
ANY = "any of shape"


@dataclass(frozen=True)
class Seeds:
    """How seeds scatter: sd of their level, slope and curvature, and of each single log y.

    The curvature is the coefficient of (log x)² less its line, so that the sd of the slope is
    that of the lines that are fitted.
    """

    level_sd: float = 0.040
    slope_sd: float = SLOPE_SD
    curvature_sd: float = CURVATURES["test/kl"].sd
    noise: float = 0.01
    nu: float = 1.18


MEASURED = Seeds()  # log KL of the digits grid, eight seeds
INDEPENDENT = Seeds(level_sd=0, slope_sd=0, curvature_sd=0, noise=0.02)


def simulate(how: Seeds, seeds: int, sweeps: int, rng: np.random.Generator) -> Array:
    """log y of `sweeps` sweeps [sweeps, seeds, m] on nine σ from 0.03 to 0.27."""
    x = np.log(SIGMA) - np.log(SIGMA).mean()
    level, slope, curvature = rng.standard_normal((3, sweeps, seeds, 1))
    bent = x**2 - np.polyval(np.polyfit(x, x**2, 1), x)
    y: Array = 2 + how.level_sd * level - (how.nu + how.slope_sd * slope) * x
    y += how.curvature_sd * curvature * bent
    return y + how.noise * rng.standard_normal(y.shape)


def errors(y: Array, alpha: float = 0.05) -> dict[str, float]:
    """The share of simulated sweeps, all of a straight law, in which each test finds something.

    `ANY` is the share in which one of them does. A rival form is named where, and only where, the
    bend is found. NaN below three seeds, with
    which no shape is tested.
    """
    x = np.log(SIGMA)
    if y.shape[1] < LEAST:
        return dict.fromkeys((*TESTS, ANY), math.nan)
    bend = mean_p(slopes(x, y, 2)[..., None])[:, 0] < alpha
    lack = hotelling_p(y @ departures(x, y.shape[1])) < alpha
    moved = mean_p(y @ shift_weights(x)).min(axis=1) * len(x) < alpha
    shares = (float(found.mean()) for found in (bend, lack, bend, moved, bend | lack | moved))
    return dict(zip((*TESTS, ANY), shares, strict=True))


def published_errors(
    y: Array, theirs: Array, alpha: float = 0.05
) -> tuple[dict[str, float], dict[str, float]]:
    """The share of sweeps of which a published run of the same law is called different.

    theirs: log y of that run [sweeps, m]. By ν, and by the value at the middle σ; the published
    number taken as exact (before), and as one run that scatters as ours do (now:
    `Estimate.against_one_run`). NaN for one seed.
    """
    x, k, middle = np.log(SIGMA), y.shape[1], len(SIGMA) // 2
    exact, one_run = {}, {}
    for name, ours, one in (
        ("published ν", slopes(x, y), slopes(x, theirs)),
        ("published value", y[..., middle], theirs[..., middle]),
    ):
        if k == 1:
            exact[name] = one_run[name] = math.nan
            continue
        apart = np.abs(ours.mean(axis=1) - one) / ours.std(axis=1, ddof=1)
        most = stats.t.isf(alpha / 2, k - 1)
        exact[name] = float((apart * math.sqrt(k) > most).mean())
        one_run[name] = float((apart / math.sqrt(1 + 1 / k) > most).mean())
    return exact, one_run


def headline(y: Array, nu: float, level: float = 0.95) -> float:
    """The share of simulated sweeps whose headline interval holds ν.

    NaN for one seed: its interval is that of OLS, and says how straight the points are.
    """
    x = np.log(SIGMA) - np.log(SIGMA).mean()
    nus, k = -slopes(x, y), y.shape[1]
    if k == 1:
        return math.nan
    half = stats.t.ppf((1 + level) / 2, k - 1) * nus.std(axis=1, ddof=1) / np.sqrt(k)
    return float((np.abs(nus.mean(axis=1) - nu) <= half).mean())


def over_rows(y: Array, nu: float, level: float = 0.95) -> float:
    """The share of simulated sweeps whose OLS interval over all rows holds ν."""
    x = np.log(SIGMA) - np.log(SIGMA).mean()
    half = stats.t.ppf((1 + level) / 2, y[0].size - 2) * ols_se(x, y)
    return float((np.abs(-slopes(x, y).mean(axis=1) - nu) <= half).mean())


def cover(y: Array, nu: float, level: float = 0.95, resamples: int = 999) -> dict[str, float]:
    """The share of simulated sweeps whose interval holds ν, by kind of interval."""
    x = np.log(SIGMA) - np.log(SIGMA).mean()
    nus = -slopes(x, y)
    k, quantile = y.shape[1], stats.t.ppf
    center = nus.mean(axis=1)
    halves = {
        "OLS": quantile((1 + level) / 2, y[0].size - 2) * ols_se(x, y),
        "HC3": quantile((1 + level) / 2, y[0].size - 2) * hc3_se(x, y),
        "clustered by seed": quantile((1 + level) / 2, k - 1) * cluster_se(x, y),
        MIXED: stats.norm.ppf((1 + level) / 2) * np.array([mixed_se(x, one) for one in y]),
    }
    found = {BY_SEED: headline(y, nu, level)}
    found |= {name: float((np.abs(center - nu) <= half).mean()) for name, half in halves.items()}
    for name, method in (("bootstrap, percentile", "percentile"), ("bootstrap, BCa", "BCa")):
        found[name] = _bootstrap(nus, nu, method, level, resamples)
    return found


def _bootstrap(nus: Array, nu: float, method: str, level: float, resamples: int) -> float:
    """Whole seeds resampled; a degenerate interval (all resamples equal) misses."""
    hits = 0
    for start in range(0, len(nus), 200):
        part = nus[start : start + 200]
        found = stats.bootstrap(
            (part,),
            np.mean,
            axis=-1,
            vectorized=True,
            method=method,
            n_resamples=resamples,
            confidence_level=level,
            rng=np.random.default_rng(start),
        )
        low, high = found.confidence_interval
        hits += int(((low <= nu) & (nu <= high)).sum())
    return hits / len(nus)


@dataclass(frozen=True)
class Stopped:
    """Coverage of the headline interval when seeds are added until it is narrow enough.

    coverage: share of intervals that hold ν; met: of those that met the half-width. seeds: mean
        number of seeds at the stop.
    reached: share of sweeps that met the half-width before the most seeds allowed.
    fixed: the least number of seeds, chosen before the sweep, of which nine in ten sweeps get an
        interval as narrow; None if even the most are too few. That is what a plan without looks
        must pay to be as sure of its half-width.
    """

    coverage: float
    met: float
    seeds: float
    reached: float
    fixed: int | None


def cover_until(
    halfwidth: float, most: int = 40, sweeps: int = 4000, how: Seeds = MEASURED
) -> Stopped:
    """Add whole seeds, from the first look on, until the t half-width is at most `halfwidth`.

    The interval is that of `analysis.laws.added_seeds`.
    """
    first = first_look(most)
    x = np.log(SIGMA) - np.log(SIGMA).mean()
    nus = -slopes(x, simulate(how, most, sweeps, np.random.default_rng(1)))
    counts = np.arange(1, most + 1)
    means = nus.cumsum(axis=1) / counts
    spread = np.maximum((nus**2).cumsum(axis=1) / counts - means**2, 0)[:, first - 1 :]
    counts = counts[first - 1 :]
    halves = stats.t.ppf(0.975, counts - 1) * np.sqrt(spread / (counts - 1))
    narrow = halves <= halfwidth
    stop = np.where(narrow.any(axis=1), narrow.argmax(axis=1), len(counts) - 1)
    rows = np.arange(sweeps)
    wider = stats.t.ppf(0.9875, counts - 1) / stats.t.ppf(0.975, counts - 1)
    told = halves[rows, stop] * wider[stop]
    hits = np.abs(means[rows, first - 1 + stop] - how.nu) <= told
    enough = counts[narrow.mean(axis=0) >= 0.9]
    return Stopped(
        float(hits.mean()),
        float(hits[narrow.any(axis=1)].mean()) if narrow.any() else math.nan,
        float(counts[stop].mean()),
        float(narrow.any(axis=1).mean()),
        int(enough[0]) if len(enough) else None,
    )


def intervals(sweeps: int = 4000, how: Seeds = MEASURED) -> pd.DataFrame:
    """Coverage in per cent by kind of interval and number of seeds."""
    rng = np.random.default_rng(0)
    columns = {f"{k} seeds": cover(simulate(how, k, sweeps, rng), how.nu) for k in (3, 5, 10, 20)}
    return (100 * pd.DataFrame(columns)).round(1)
