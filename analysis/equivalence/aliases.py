"""Which settings of a sweep are aliases: equal σ√β (α: equal αβ), everything else equal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.schema import DECLARED, FINISHED, param_columns
from analysis.wording import symbol

__all__ = ["POWERS", "Alias", "Arm", "alias_pairs", "deal", "families"]

POWERS = {"sigma": 0.5, "alpha": 1.0}


@dataclass(frozen=True)
class Arm:
    """One setting and its rows, one a seed."""

    x: str
    noise: float
    beta: float
    rows: pd.DataFrame

    @property
    def label(self) -> str:
        return f"{symbol(self.x)} = {self.noise:g}, β = {self.beta:g}"


@dataclass(frozen=True)
class Alias:
    """Two settings that the theorem calls the same model; `first` has the β nearest to 1."""

    first: Arm
    second: Arm

    @property
    def effective(self) -> float:
        """σ√β or αβ, of both."""
        return float(self.first.noise * self.first.beta ** POWERS[self.first.x])


def alias_pairs(trials: pd.DataFrame) -> list[Alias]:
    """Every alias pair among the finished, declared trials.

    Within a family (all other fields equal) each setting is paired with the one of the same
    effective noise whose β is nearest to 1.
    """
    pairs = []
    for x, rows in families(trials):
        effective = rows[x] * rows["beta"] ** POWERS[x]
        for _, group in rows.groupby(effective.map(lambda v: float(f"{v:.9g}"))):
            arms = [Arm(x, float(cell[x].iloc[0]), float(cell["beta"].iloc[0]), cell)
                    for _, cell in group.groupby([x, "beta"])]
            arms.sort(key=lambda arm: (abs(np.log(arm.beta)), arm.noise))
            pairs += [Alias(arms[0], arm) for arm in arms[1:]]
    return pairs


def families(trials: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """(x, rows) for every set of rows that differ in x, β and seed only."""
    found = []
    for x in POWERS:
        if not {x, "beta", "seed"} <= set(trials.columns):
            continue
        rows = trials[trials[x].notna() & trials["beta"].notna() & trials["seed"].notna()]
        for name, value in (("role", DECLARED), ("status", FINISHED)):
            rows = rows[rows[name] == value] if name in rows else rows
        rows = rows.assign(**{name: [float(f"{v:.12g}") for v in rows[name]]
                              for name in (x, "beta")})
        fixed = [name for name in (*param_columns(rows), "checksum", "epoch")
                 if name in rows and name not in (x, "beta", "seed")]
        varied = [name for name in fixed if rows[name].nunique(dropna=False) > 1]
        groups = (group for _, group in rows.groupby(varied, dropna=False)) if varied else [rows]
        found += [(x, group) for group in groups if len(group)]
    return found


def deal(first: Iterable[object], second: Iterable[object],
         ) -> tuple[list[object], list[object]]:
    """Disjoint seeds for two arms: shared ones go, in order, to the arm that has fewer.

    A seed used in both arms would make them copies of each other, not independent evidence.
    """
    one, two = set(first), set(second)
    mine, theirs = _sorted(one - two), _sorted(two - one)
    for seed in _sorted(one & two):
        (mine if len(mine) <= len(theirs) else theirs).append(seed)
    return _sorted(mine), _sorted(theirs)


def _sorted(seeds: Iterable[object]) -> list[object]:
    return sorted(seeds, key=lambda seed: float(str(seed)))
