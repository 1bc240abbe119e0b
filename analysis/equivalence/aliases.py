"""Find the aliases of a sweep: settings of equal σ√β (α: equal αβ), all else equal.

Theorems 1 and 2 of Saremi 2020 (arXiv:2005.09047) are about the σ-VAE and the α-VAE; a
likelihood of one's own may state how β acts on its noise level (`analysis.sources.noise`). Other
models have a noise level and β too (UVB: −‖x − y + σ²∇f(y)‖² with β inside f), but no such
theorem.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.sources.noise import PAPERS, beta_exponents, noise_levels, with_noise
from analysis.sources.schema import DECLARED, FINISHED, SAID_BY_MODEL, param_columns
from analysis.wording import listed, model_name, setting, symbol

__all__ = ["Alias", "Arm", "Kin", "alias_pairs", "deal", "families", "no_theorem"]


@dataclass(frozen=True)
class Kin:
    """Rows that differ in x, β and seed only; `where` distinguishes them from other such sets.

    exponent: of β, which acts like x·β^exponent.
    """

    x: str
    exponent: float
    rows: pd.DataFrame
    where: str = ""

    @property
    def effective(self) -> pd.Series:
        """x·β^exponent of each row: σ√β or αβ."""
        values: pd.Series = self.rows[self.x] * self.rows["beta"] ** self.exponent
        return values


@dataclass(frozen=True)
class Arm:
    """One setting and its rows, one for each seed."""

    x: str
    noise: float
    beta: float
    rows: pd.DataFrame
    where: str = ""
    exponent: float = PAPERS["sigma"][1]

    @property
    def effective(self) -> float:
        """The noise level that learns the same at β = 1: σ√β or αβ."""
        return float(self.noise * self.beta**self.exponent)

    @property
    def label(self) -> str:
        here = f"{symbol(self.x)} = {self.noise:g}, β = {self.beta:g}"
        return f"{self.where}, {here}" if self.where else here


@dataclass(frozen=True)
class Alias:
    """Two settings that are the same model by the theorem; `first` has the β nearest to 1."""

    first: Arm
    second: Arm

    @property
    def effective(self) -> float:
        """σ√β or αβ, of both."""
        return self.first.effective


def alias_pairs(trials: pd.DataFrame) -> list[Alias]:
    """Every alias pair among the finished, declared trials.

    Within a family (all other fields equal) each setting is paired with the one of the same
    effective noise whose β is nearest to 1.
    """
    pairs = []
    for kin in families(trials):
        x = kin.x
        for _, group in kin.rows.groupby(kin.effective.map(lambda v: float(f"{v:.9g}"))):
            arms = [
                Arm(x, *_first(cell, x), cell, kin.where, kin.exponent)
                for _, cell in group.groupby([x, "beta"])
            ]
            arms.sort(key=lambda arm: (abs(np.log(arm.beta)), arm.noise))
            pairs += [Alias(arms[0], arm) for arm in arms[1:]]
    return pairs


def _first(cell: pd.DataFrame, x: str) -> tuple[float, float]:
    """The noise level and β that all rows of a setting share."""
    return float(cell[x].iloc[0]), float(cell["beta"].iloc[0])


def families(trials: pd.DataFrame) -> list[Kin]:
    """Every set of finished, declared rows that differ in σ or α, β and seed only.

    Rows of models without the theorem, and rows with β = 0 or a scale of 0, whose logarithm is
    not finite, are left out.
    """
    found = []
    for x, exponent, given in _with_theorem(trials):
        rows = given.assign(
            **{name: [float(f"{v:.12g}") for v in given[name]] for name in (x, "beta")}
        )
        fixed = [
            name
            for name in (*param_columns(rows), "checksum", "epoch")
            if name in rows and name not in (x, "beta", "seed")
        ]
        varied = [name for name in fixed if rows[name].nunique(dropna=False) > 1]
        groups = (group for _, group in rows.groupby(varied, dropna=False)) if varied else [rows]
        found += [Kin(x, exponent, group, _where(group, varied)) for group in groups if len(group)]
    return found


def _with_theorem(trials: pd.DataFrame) -> Iterator[tuple[str, float, pd.DataFrame]]:
    """Each noise level with the exponent of β, and the rows of which a theorem is known."""
    for x in noise_levels(trials):
        rows = _weighted(trials, x)
        exponents = beta_exponents(rows)
        for exponent in sorted(exponents.dropna().unique()):
            yield x, float(exponent), rows[exponents == exponent]


def no_theorem(trials: pd.DataFrame) -> str:
    """A sentence on models that were trained at several β but have no aliases; else ""."""
    found = []
    for x in noise_levels(trials):
        rows = _weighted(trials, x)
        if len(rows) and "model" in rows:
            counts = rows[beta_exponents(rows).isna()].groupby("model")["beta"].nunique()
            found += [model_name(name) for name in counts.index[counts > 1]]
    if not found:
        return ""
    return (
        f"{listed(sorted(set(found)))} {'were' if len(set(found)) > 1 else 'was'} trained at "
        "several β, but only of the σ-VAE and the α-VAE are twins known, so there is no verdict"
    )


def _weighted(trials: pd.DataFrame, x: str) -> pd.DataFrame:
    """The finished, declared rows with a seed, a positive scale x and a positive β."""
    if not {x, "beta", "seed"} <= set(trials.columns):
        return trials.iloc[:0]
    trials = with_noise(trials, x)
    rows = trials[(trials[x] > 0) & (trials["beta"] > 0) & trials["seed"].notna()]
    for name, value in (("role", DECLARED), ("status", FINISHED)):
        rows = rows[rows[name] == value] if name in rows else rows
    return rows


def _where(rows: pd.DataFrame, varied: list[str]) -> str:
    """The values that distinguish these rows from others with the same x: ``d_z = 10``."""
    first = rows.iloc[0]
    return ", ".join(
        setting(name, first[name])
        for name in varied
        if name not in (*SAID_BY_MODEL, "checksum") and first[name] == first[name]
    )


def deal(first: Iterable[object], second: Iterable[object]) -> tuple[list[object], list[object]]:
    """Disjoint seeds for two arms: shared seeds go, in order, to the arm that has fewer.

    Trials of aliases with the same seed are copies of each other, not independent evidence.
    """
    one, two = set(first), set(second)
    mine, theirs = _sorted(one - two), _sorted(two - one)
    for seed in _sorted(one & two):
        (mine if len(mine) <= len(theirs) else theirs).append(seed)
    return _sorted(mine), _sorted(theirs)


def _sorted(seeds: Iterable[object]) -> list[object]:
    return sorted(seeds, key=lambda seed: float(str(seed)))
