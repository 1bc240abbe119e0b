"""Equivalence tests repeated after every seed: the level of each test, by simulation.

    python -m analysis.equivalence.stopping [SWEEPS]

`until: {equivalence: decided}` adds a seed to both arms and tests again, until the verdict is
*equivalent* or *different*. Repeated tests raise the error rate: at the level 0.05, a pair whose
difference equals the margin is called equivalent in one sweep of five. So every test (look) has
the level `each_look`, the same for all (Pocock 1977, Biometrika 64:191), with which the error
rate of the whole sequence is 5 %. `table` simulates it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from analysis.equivalence.verdict import ALPHA, LEAST_SEEDS
from analysis.statistics.batched import welch_looks

__all__ = [
    "Decided",
    "Pair",
    "decide",
    "decide_until",
    "each_look",
    "level_of",
    "simulate",
    "table",
]

SIMULATED = 2_000_000

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Pair:
    """Two arms: log metrics are normal with spread `sd`, their means `difference` apart.

    differences: one for each metric; margin: of the test. All are log ratios, dimensionless.
    """

    differences: tuple[float, ...] = (0.0, 0.0)
    sd: float = 0.06
    margin: float = 0.10


@dataclass(frozen=True)
class Decided:
    """Shares of sweeps by verdict, and the mean number of seeds per arm at the verdict."""

    equivalent: float
    different: float
    seeds: float


def level_of(sweeps: Iterable[Mapping[str, Any]]) -> float:
    """The level of an experiment's tests: `each_look` if a sweep was tested after each seed."""
    rules = [(sweep.get("until") or {}).get("rule") or {} for sweep in sweeps]
    most = [int(rule["max_seeds"]) for rule in rules if rule.get("equivalence")]
    return each_look(max(most)) if most else ALPHA


@lru_cache
def each_look(most: int) -> float:
    """The level of each of the tests at 5, 6, ... `most` seeds per arm.

    It is the 5 % quantile of the least p value of a sequence if the difference equals the margin,
    simulated with a fixed seed. With fewer seeds there are fewer tests and fewer errors.
    """
    if most <= LEAST_SEEDS:
        return ALPHA
    values = simulate(Pair((0.0,), 1.0), most, SIMULATED // most, np.random.default_rng(1))
    gap, df, se = (part[:, 0] for part in welch_looks(values, LEAST_SEEDS))
    return float(np.quantile(stats.t.sf(gap / se, df).min(axis=1), ALPHA))


def simulate(pair: Pair, seeds: int, sweeps: int, rng: np.random.Generator) -> Array:
    """Log metrics [arm, sweep, metric, seed]."""
    values = rng.normal(0.0, pair.sd, (2, sweeps, len(pair.differences), seeds))
    values[0] += np.array(pair.differences)[:, None]
    return values


def decide(values: Array, margin: float, alpha: float = ALPHA) -> tuple[Flags, Flags]:
    """Whether equivalent and whether different, each [sweep, look], from five seeds per arm on.

    The tests are those of `tost` and `jointly`: Welch, all metrics for equivalence, any metric
    by Holm for a difference.
    """
    gap, df, se = welch_looks(values, LEAST_SEEDS)
    gap = abs(gap)
    alike = stats.t.sf((margin - gap) / se, df)
    apart = stats.t.sf((gap - margin) / se, df) + stats.t.sf((gap + margin) / se, df)
    equivalent = (alike < alpha).all(axis=1)
    different = apart.min(axis=1) * values.shape[2] < alpha
    return equivalent, different & ~equivalent


def decide_until(
    pair: Pair, most: int = 40, sweeps: int = 4000, alpha: float | None = None
) -> Decided:
    """Simulate tests after every seed from five per arm on, until decided or at `most` seeds.

    alpha: level of each test; None is `each_look`.
    """
    values = simulate(pair, most, sweeps, np.random.default_rng(2))
    equivalent, different = decide(values, pair.margin, alpha or each_look(most))
    ended = equivalent | different
    stop = np.where(ended.any(axis=1), ended.argmax(axis=1), ended.shape[1] - 1)
    rows = np.arange(sweeps)
    return Decided(
        float(equivalent[rows, stop].mean()),
        float(different[rows, stop].mean()),
        float(LEAST_SEEDS + stop.mean()),
    )


def table(sweeps: int = 4000, most: int = 40) -> pd.DataFrame:
    """Per cent of sweeps by verdict, and mean seeds per arm, for several true differences.

    One metric differs by a share of the margin of 0.10, the other not at all. A further column
    has the share of *equivalent* if every test had the level 0.05. most: the most seeds per arm.
    """
    rows = []
    for share in (0.0, 0.5, 1.0, 1.5):
        for sd in (0.03, 0.06, 0.12):
            pair = Pair((share * 0.10, 0.0), sd)
            seen, naive = (decide_until(pair, most, sweeps, alpha) for alpha in (None, ALPHA))
            rows.append(
                {
                    "difference / margin": share,
                    "sd": sd,
                    "equivalent": round(100 * seen.equivalent, 1),
                    "different": round(100 * seen.different, 1),
                    "seeds": round(seen.seeds, 1),
                    "equivalent, 0.05 a look": round(100 * naive.equivalent, 1),
                }
            )
    return pd.DataFrame(rows)


if __name__ == "__main__":
    sys.stdout.write(f"{table(int(sys.argv[1]) if sys.argv[1:] else 4000).to_string()}\n")
