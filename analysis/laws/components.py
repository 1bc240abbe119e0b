"""Where the variance of ν comes from: seeds, test images, the split of the data, the epoch.

The interval of ν is about other seeds, on the same test images, the same split and after the same
number of epochs. What the others would add stands beside it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.laws.convergence import Convergence
from analysis.laws.evidence import Evidence
from analysis.laws.law import filtered
from analysis.laws.sample import as_written
from analysis.sources.schema import SPLIT, Examples
from analysis.statistics.regression import leading_coefficients
from analysis.wording import listed, plural

__all__ = ["HEADLINE", "Component", "components", "of_split", "split_sd"]

Array = NDArray[np.float64]
HEADLINE = "seed"  # the component that the interval of ν is about
RESAMPLES = 400
LEAST_LATE = 4  # epochs of the last fifth from which their scatter about a line is known


@dataclass(frozen=True)
class Component:
    """The sd that one source gives to ν, the mean over these seeds and splits; NaN if unknown.

    of: what it was computed from, or why it is unknown.
    """

    name: str
    sd: float
    of: str

    def to_json(self) -> dict[str, object]:
        plain = asdict(self)
        return plain if math.isfinite(self.sd) else plain | {"sd": None}


def components(
    law: Evidence, trials: pd.DataFrame, examples: Callable[[str], Examples | None]
) -> list[Component]:
    """The components of a law that was fitted to `trials`; one that cannot be known is NaN.

    examples: `Experiment.examples`, for the bootstrap over test images.
    """
    rows = filtered(trials, law.law)
    seeds = (
        f"standard error of the mean of {law.n_seeds} seeds"
        if law.n_seeds > 1
        else "unknown: one seed"
    )
    of_seed = law.se if law.n_seeds > 1 else math.nan
    return [
        Component(HEADLINE, of_seed, seeds),
        _of_images(law, rows, examples),
        of_split(rows, (law.law.x, law.law.y, "seed", SPLIT)),
        _of_epoch(law.convergence),
    ]


def _of_images(
    law: Evidence, rows: pd.DataFrame, examples: Callable[[str], Examples | None]
) -> Component:
    """Bootstrap over test examples, the same for all trials; whole examples are drawn."""
    name, part = "test images", law.law.y.partition("/")
    if part[0] != "test" or part[2] not in ("kl", "recon"):
        return Component(name, math.nan, f"unknown: no values of single examples of {law.law.y}")
    x = as_written(rows[law.law.x].to_numpy(dtype=np.float64))
    used = np.isin(x, law.x)
    if law.seed:
        used &= rows["seed"].isin(law.seed).to_numpy()
    found = [(examples(str(trial)) or {}).get(part[2]) for trial in rows["trial"][used]]
    kept = [one for one in found if one is not None]
    if len(kept) < len(found) or len({len(one) for one in kept}) != 1:
        return Component(name, math.nan, _not_kept(rows[used], found))
    values = np.stack([one.astype(np.float64) for one in kept], axis=1)
    n = len(values)
    rng = np.random.default_rng(0)
    weights = rng.multinomial(n, np.full(n, 1 / n), size=RESAMPLES) / n
    sums = weights @ values
    if not (sums > 0).all():
        return Component(name, math.nan, "unknown: a mean over drawn examples is not positive")
    means = pd.DataFrame(np.log(sums).T).groupby(np.log(x[used])).mean()
    grid = means.index.to_numpy(dtype=np.float64)
    nus = -leading_coefficients(grid, means.to_numpy(dtype=np.float64).T)
    of = f"{RESAMPLES} bootstrap samples of {n:,} test examples"
    return Component(name, float(nus.std(ddof=1)), of)


def _not_kept(rows: pd.DataFrame, found: Sequence[object]) -> str:
    """Which trials have kept no values of single examples."""
    names = rows["label" if "label" in rows else "trial"]
    none = [str(name) for name, one in zip(names, found, strict=True) if one is None]
    if not none:
        return "unknown: the trials were tested on different numbers of examples"
    said = listed(none, 3)
    return (
        f"unknown: {len(none)} of {plural(len(found), 'trial')} kept no single examples ({said})"
    )


def of_split(rows: pd.DataFrame, columns: tuple[str, str, str, str]) -> Component:
    """That of the split of the data, of rows that a law is fitted to.

    columns: the names of x, y, seed and split.
    """
    name, (x, y, seed, split) = "split", columns
    if split not in rows or rows[split].nunique() < 2:
        return Component(name, math.nan, "unknown: one split")
    logs = pd.DataFrame(
        {
            "x": np.log(as_written(rows[x].to_numpy(dtype=np.float64))),
            "y": np.log(rows[y].to_numpy(dtype=np.float64)),
            "seed": rows[seed].to_numpy(),
            "split": rows[split].to_numpy(),
        }
    )
    table = logs.pivot_table(index=["split", "seed"], columns="x", values="y").dropna()
    nus = -leading_coefficients(table.columns.to_numpy(dtype=np.float64), table.to_numpy())
    wide = pd.Series(nus, index=table.index).unstack("seed").dropna(axis=1)
    if wide.shape[0] < 2 or wide.shape[1] < 2:
        return Component(name, math.nan, "unknown: too few seeds are common to the splits")
    sd = split_sd(wide.to_numpy(dtype=np.float64)) / math.sqrt(len(wide))
    of = f"{len(wide)} splits of {wide.shape[1]} seeds each"
    return Component(name, sd, of if sd else f"{of}, apart by no more than single runs scatter")


def split_sd(values: Array) -> float:
    """The sd between splits of values [splits, seeds], without the scatter of the cells.

    By the mean squares of the two-way table (splits and seeds crossed, one run a cell); 0 where
    the splits scatter no more than the cells do.
    """
    k, n = values.shape
    rows, columns = values.mean(axis=1, keepdims=True), values.mean(axis=0, keepdims=True)
    rest = values - rows - columns + values.mean()
    between = n * float(rows.var(ddof=1))
    within = float((rest**2).sum()) / ((k - 1) * (n - 1))
    return math.sqrt(max(between - within, 0.0) / n)


def _of_epoch(found: Convergence | None) -> Component:
    """The scatter of ν from epoch to epoch about its trend, over the last fifth of training."""
    name = "epoch"
    if found is None:
        return Component(name, math.nan, "unknown: no history")
    at, nu = np.array(found.epochs, dtype=np.float64), np.array([one.value for one in found.nu])
    late = at >= 0.8 * at[-1]
    if late.sum() < LEAST_LATE:
        why = (
            f"unknown: it takes {LEAST_LATE} measured epochs in the last fifth of training, and "
            f"there are {int(late.sum())} (longer training, or a smaller `test_every`)"
        )
        return Component(name, math.nan, why)
    line = np.polyval(np.polyfit(at[late], nu[late], 1), at[late])
    sd = math.sqrt(float(((nu[late] - line) ** 2).sum()) / (int(late.sum()) - 2))
    return Component(name, sd, f"{int(late.sum())} epochs of the last fifth, about their trend")
