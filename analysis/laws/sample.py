"""The points of a law as a sample: one row a seed and one column a value of x, in logarithms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.laws.law import Points
from analysis.wording import listed, plural

__all__ = ["Sample", "as_written", "sample"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Sample:
    """log x and log y of every row used, and, where there are seeds, their balanced table.

    x, y, seed: row by row, logarithms, seeds numbered from 0.
    grid [m]: the distinct log x; table [k, m]: log y by seed (None without seeds).
    means [m]: log y averaged over what there is at each x.
    """

    x: Array
    y: Array
    seed: NDArray[np.int64]
    grid: Array
    means: Array
    table: Array | None
    seeds: tuple[object, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def n_seeds(self) -> int:
        return 1 if self.table is None else len(self.table)

    @property
    def center(self) -> float:
        return float(self.grid.mean())


def as_written(x: Array) -> Array:
    """Numbers to the twelve digits that a grid keeps: what it says, after exp and log too."""
    return np.array([float(f"{v:.12g}") for v in x], dtype=np.float64)


def sample(points: Points) -> Sample:
    """Average repeated rows of a seed, drop copied and incomplete seeds, and say so."""
    x, y = np.log(as_written(points.x)), np.log(points.y)
    if points.seed is None:
        return _without_seeds(x, y, points.notes)
    table = pd.DataFrame({"x": x, "y": y, "seed": points.seed})
    wide = table.pivot_table(index="seed", columns="x", values="y", aggfunc="mean")
    notes = list(points.notes)
    if len(table) > int(wide.notna().to_numpy().sum()):
        notes.append(points.repeats)
    wide = _complete(_distinct(wide, notes), notes)
    return _balanced(wide, tuple(notes))


def _without_seeds(x: Array, y: Array, notes: tuple[str, ...]) -> Sample:
    order = np.lexsort((y, x))
    x, y = x[order], y[order]
    means = pd.Series(y).groupby(x).mean()
    return Sample(
        x,
        y,
        np.zeros(len(x), dtype=np.int64),
        means.index.to_numpy(dtype=np.float64),
        np.asarray(means, dtype=np.float64),
        None,
        (),
        notes,
    )


def _distinct(wide: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Seeds whose values are copies of another seed's count once."""
    copies = wide.duplicated()
    if copies.any():
        one = copies.sum() == 1
        notes.append(
            f"seed{'' if one else 's'} {listed(wide.index[copies])} "
            f"{'repeats' if one else 'repeat'} the numbers of another seed exactly and "
            f"{'is' if one else 'are'} counted once"
        )
    return wide[~copies]


def _complete(wide: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """The seeds that have every x; if fewer than two have, the x that every seed has."""
    whole = wide.notna().all(axis=1)
    if whole.all():
        return wide
    if whole.sum() >= 2 or len(wide) == 1:
        missing = int(wide.isna().to_numpy().sum())
        notes.append(
            f"{plural(int((~whole).sum()), 'seed')} without every value of x "
            f"({listed(wide.index[~whole])}) left out: {missing} of {wide.size} values "
            f"{'is' if missing == 1 else 'are'} missing"
        )
        return wide[whole]
    common = wide.loc[:, wide.notna().all(axis=0)]
    if common.shape[1] >= 3:
        notes.append(
            f"only {common.shape[1]} of {wide.shape[1]} values of x are complete in "
            "every seed; the others are left out"
        )
        return common
    best = wide.notna().sum(axis=1).idxmax()
    notes.append(f"no three values of x are common to all seeds: only seed {best} is used")
    return wide.loc[[best]].dropna(axis=1)


def _balanced(wide: pd.DataFrame, notes: tuple[str, ...]) -> Sample:
    table = wide.to_numpy(dtype=np.float64)
    grid = wide.columns.to_numpy(dtype=np.float64)
    k, m = table.shape
    return Sample(
        np.tile(grid, k),
        table.ravel(),
        np.repeat(np.arange(k), m),
        grid,
        np.asarray(table.mean(axis=0), dtype=np.float64),
        table,
        tuple(wide.index),
        notes,
    )
