"""What the intervals for ν really cover, by simulation: the reason for the headline interval.

    python -m analysis.laws.coverage [SWEEPS]

simulates sweeps in which seeds differ in level and in slope, with noise that grows along x as it
was measured on digits (sd of log KL over seeds 0.019, 0.031, 0.048 at σ = 0.03, 0.12, 0.27),
and prints the share of 95 % intervals that hold the true ν.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from analysis.laws.intervals import BY_SEED
from analysis.statistics.batched import cluster_se, hc3_se, mixed_se, ols_se, slopes
from analysis.statistics.means import proportion_interval
from analysis.statistics.mixed import MIXED

__all__ = ["Seeds", "Stopped", "cover", "cover_until", "simulate", "table"]

Array = NDArray[np.float64]
SIGMA = np.linspace(0.03, 0.27, 9)


@dataclass(frozen=True)
class Seeds:
    """How seeds scatter: sd of their level, of their slope, and of each log y along x."""

    level_sd: float = 0.02
    slope_sd: float = 0.03
    noise_low: float = 0.01
    noise_high: float = 0.03
    nu: float = 1.18


def simulate(how: Seeds, seeds: int, sweeps: int, rng: np.random.Generator) -> Array:
    """log y of `sweeps` sweeps [sweeps, seeds, m] on nine σ from 0.03 to 0.27."""
    x = np.log(SIGMA) - np.log(SIGMA).mean()
    shape = (sweeps, seeds, 1)
    slope = how.nu + how.slope_sd * rng.standard_normal(shape)
    noise = np.linspace(how.noise_low, how.noise_high, len(x))
    random = rng.standard_normal((sweeps, seeds, len(x)))
    y: Array = 2 - slope * x + how.level_sd * rng.standard_normal(shape) + noise * random
    return y


def cover(y: Array, nu: float, level: float = 0.95, resamples: int = 999) -> dict[str, float]:
    """The share of simulated sweeps whose interval holds ν, by kind of interval."""
    x = np.log(SIGMA) - np.log(SIGMA).mean()
    nus = -slopes(x, y)
    k, quantile = y.shape[1], stats.t.ppf
    center = nus.mean(axis=1)
    halves = {
        BY_SEED: quantile((1 + level) / 2, k - 1) * nus.std(axis=1, ddof=1) / np.sqrt(k),
        "OLS": quantile((1 + level) / 2, y[0].size - 2) * ols_se(x, y),
        "HC3": quantile((1 + level) / 2, y[0].size - 2) * hc3_se(x, y),
        "clustered by seed": quantile((1 + level) / 2, k - 1) * cluster_se(x, y),
        MIXED: stats.norm.ppf((1 + level) / 2) * np.array([mixed_se(x, one) for one in y]),
    }
    found = {name: float((np.abs(center - nu) <= half).mean()) for name, half in halves.items()}
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

    coverage: share of intervals that hold ν. seeds: mean number of seeds at the stop.
    reached: share of sweeps that met the half-width before the most seeds allowed.
    fixed: the least number of seeds, chosen before the sweep, of which nine in ten sweeps get an
        interval as narrow; None if even the most are too few. That is what a plan without looks
        must pay to be as sure of its half-width.
    """

    coverage: float
    seeds: float
    reached: float
    fixed: int | None


def cover_until(
    halfwidth: float, first: int = 5, most: int = 40, sweeps: int = 4000, how: Seeds | None = None
) -> Stopped:
    """Add whole seeds, from `first` on, until the t half-width is at most `halfwidth`."""
    how = how or Seeds()
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
    hits = np.abs(means[rows, first - 1 + stop] - how.nu) <= halves[rows, stop]
    enough = counts[narrow.mean(axis=0) >= 0.9]
    return Stopped(
        float(hits.mean()),
        float(counts[stop].mean()),
        float(narrow.any(axis=1).mean()),
        int(enough[0]) if len(enough) else None,
    )


def table(
    sweeps: int = 4000, counts: tuple[int, ...] = (3, 5, 10, 20), how: Seeds | None = None
) -> pd.DataFrame:
    """Coverage in per cent by kind of interval and number of seeds."""
    how = how or Seeds()
    rng = np.random.default_rng(0)
    columns = {f"{k} seeds": cover(simulate(how, k, sweeps, rng), how.nu) for k in counts}
    return (100 * pd.DataFrame(columns)).round(1)


if __name__ == "__main__":
    count = int(sys.argv[1]) if sys.argv[1:] else 4000
    low, high = proportion_interval(round(0.95 * count), count)
    sys.stdout.write(f"{table(count).to_string()}\n")
    sys.stdout.write(f"95 % seen in {count} sweeps: {100 * low:.1f} to {100 * high:.1f} %\n")
    for width in (0.04, 0.03, 0.02):
        sys.stdout.write(f"until half-width {width:g}: {cover_until(width)}\n")
