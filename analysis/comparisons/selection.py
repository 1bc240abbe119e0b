"""What the interval of the best of many settings covers, by simulation.

    python -m analysis.comparisons.selection [SWEEPS]

simulates rankings of settings whose seeds scatter, alike for all settings (`shared`) or each on
its own, with true means that are equal, in steps, or of which one is far ahead. It prints the
share of 95 % intervals of the winner that hold its true mean, as if it had been chosen beforehand
and as `ranking` makes them, and how often the truly best setting is among the candidates.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

__all__ = ["Chosen", "chosen", "simulate", "table"]

Array = NDArray[np.float64]
TRUTHS = {"equal": 0.0, "in steps": 0.25, "one ahead": 4.0}


@dataclass(frozen=True)
class Chosen:
    """Shares of rankings: naive, corrected: the winner's interval holds its true mean; best: the
    truly best setting is a candidate. candidates: their mean number.
    """

    naive: float
    corrected: float
    best: float
    candidates: float


def simulate(
    truth: Array, seeds: int, sweeps: int, rng: np.random.Generator, shared: float = 0.0
) -> Array:
    """A metric [sweeps, settings, seeds] of which less is better, with unit variance over seeds.

    shared: the part of that variance which all settings of a seed have in common.
    """
    common = rng.standard_normal((sweeps, 1, seeds))
    own = rng.standard_normal((sweeps, len(truth), seeds))
    values: Array = truth[:, None] + np.sqrt(shared) * common + np.sqrt(1 - shared) * own
    return values


def chosen(y: Array, truth: Array, level: float = 0.95) -> Chosen:
    """What `rank` says of the simulated values `y` [sweeps, settings, seeds], paired by seed."""
    sweeps, count, seeds = y.shape
    winner, rows = y.mean(axis=2).argmin(axis=1), np.arange(sweeps)
    best = y[rows, winner]
    off = np.abs(best.mean(axis=1) - truth[winner])
    se = best.std(axis=1, ddof=1) / np.sqrt(seeds)
    naive, corrected = (
        stats.t.ppf(1 - (1 - level) / 2 / family, seeds - 1) for family in (1, count)
    )
    gaps = y - best[:, None]
    scatter = gaps.std(axis=2, ddof=1) / np.sqrt(seeds)
    scatter[rows, winner] = np.inf
    t = gaps.mean(axis=2) / scatter
    kept = stats.t.sf(t, seeds - 1) >= (1 - level) / (count - 1)
    return Chosen(
        float((off <= naive * se).mean()),
        float((off <= corrected * se).mean()),
        float(kept[:, truth.argmin()].mean()),
        float(kept.sum(axis=1).mean()),
    )


def table(
    sweeps: int = 4000, counts: tuple[int, ...] = (9, 32, 100), seeds: tuple[int, ...] = (3, 5, 10)
) -> pd.DataFrame:
    """In per cent, by true means, number of settings and seeds, and shared part of the scatter."""
    rows = {}
    for name, step in TRUTHS.items():
        for count in counts:
            truth = step * np.minimum(np.arange(count), 1 if name == "one ahead" else count)
            for n in seeds:
                for shared in (0.0, 0.9):
                    y = simulate(truth, n, sweeps, np.random.default_rng(count + n), shared)
                    rows[f"{name}, {count} settings, {n} seeds, {shared:.0%} shared"] = vars(
                        chosen(y, truth)
                    )
    found = pd.DataFrame(rows).T
    found[["naive", "corrected", "best"]] *= 100
    return found.round(1)


if __name__ == "__main__":
    sys.stdout.write(f"{table(int(sys.argv[1]) if sys.argv[1:] else 4000).to_string()}\n")
