"""Any two groups of trials: difference with interval, effect size, Holm correction over many.

Example::

    compare(trials, Groups({"model": "sigma_vae"}, {"model": "alpha_vae"}), ["test/denoise"])

Each setting that both groups have (a σ, a network) is compared on its own, seed against seed;
p values over all settings and metrics are corrected by Holm's method. A field that is one value
in each group and another in the other (DEEN's network) cannot be told from the groups: every
sentence names it. Noise levels, β and data must be equal; a model without β counts as at β = 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.errors import AnalysisError, NotComparable, TooFewRows, UnusableValues
from analysis.sources.comparable import (
    noise_fields,
    require_comparable,
    require_one_noise,
    require_one_unit,
)
from analysis.sources.noise import noise_levels
from analysis.sources.rows import matching, require_column, require_metric, require_value, settled
from analysis.sources.schema import SAID_BY_MODEL, param_columns
from analysis.statistics.estimate import Estimate
from analysis.statistics.means import hedges, welch
from analysis.statistics.multiplicity import holm
from analysis.wording import listed, number, percent, probability, quantity, symbol

__all__ = ["Comparison", "Groups", "compare", "compare_all", "compare_sides", "corrected"]

Array = NDArray[np.float64]
EQUAL = ("beta", "data", "corruption")
MOST_GROUPS = 12


@dataclass(frozen=True)
class Groups:
    """Two groups of trials, each by field -> value or list of values; names for the reader."""

    first: Mapping[str, object]
    second: Mapping[str, object]
    names: tuple[str, str] | None = None

    @property
    def labels(self) -> tuple[str, str]:
        return self.names or (_words(self.first), _words(self.second))


@dataclass(frozen=True)
class Comparison:
    """first − second of one metric at one setting, in the metric's own units.

    difference: Welch's t interval, one value a seed. effect: Hedges' g, the difference in pooled
    standard deviations, with its interval. p_holm: corrected over all comparisons of the call.
    also: fields that differ with the groups, and so may be the cause as well.
    """

    metric: str
    groups: tuple[str, str]
    setting: dict[str, object]
    n: tuple[int, int]
    means: tuple[float, float]
    difference: Estimate
    effect: Estimate
    p_holm: float = field(default=math.nan)
    also: tuple[str, ...] = ()

    @property
    def untested(self) -> str:
        """Why there is no test, or nothing."""
        if math.isfinite(self.difference.se):
            return ""
        return "needs two seeds each" if min(self.n) < 2 else "seeds do not scatter at all"

    @property
    def verdict(self) -> str:
        """differ, not shown to differ, or not tested (see `untested`)."""
        if not math.isfinite(self.p_holm):
            return "not tested"
        return "differ" if self.p_holm < 1 - self.difference.level else "not shown to differ"

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {
            "difference": self.difference.to_json(),
            "effect": self.effect.to_json(),
            "p_holm": self.p_holm if math.isfinite(self.p_holm) else None,
            "sentence": self.sentence(),
        }

    def sentence(self) -> str:
        at = f" at {_words(self.setting)}" if self.setting else ""
        d, first, second = self.difference, *self.groups
        if self.untested:
            why = (
                "an interval needs two seeds in each group"
                if min(self.n) < 2
                else "within each group all seeds have the same number, so nothing tells how much "
                "seeds scatter, and there is no interval"
            )
            return f"{quantity(self.metric)}{at}: {first} − {second} = {number(d.value)}; {why}."
        verdict = "differ" if self.verdict == "differ" else "are not shown to differ"
        also = f"; they also differ in {listed(map(symbol, self.also))}" if self.also else ""
        return (
            f"{quantity(self.metric)}{at}: {first} and {second} {verdict}: difference "
            f"{number(d.value)} ({percent(d.level)}: {number(d.low)} to {number(d.high)}; "
            f"Holm {probability(self.p_holm)}), effect size {number(self.effect.value, 2)} "
            f"({self.n[0]} and {self.n[1]} seeds){also}."
        )


def compare(
    trials: pd.DataFrame, groups: Groups, metrics: Sequence[str], level: float = 0.95
) -> list[Comparison]:
    """Every metric at every setting that both groups have.

    Errors: UnknownName for a field, value or metric that no trial has; NotComparable for `elbo`
    between noise levels, for `recon` or `denoise` in two units, and between a σ and an α that the
    groups do not name; TooFewRows without a common setting;
    MixedRows if a group has several rows of one seed at a setting; UnusableValues for NaN.
    """
    found = _compared(trials, groups, metrics, level)
    if not found:
        for name, value in (*groups.first.items(), *groups.second.items()):
            require_value(trials, name, value)
        raise TooFewRows(
            f"the groups ({groups.labels[0]}) and ({groups.labels[1]}) have no "
            "finished trials at a setting in common"
        )
    return corrected(found)


def compare_all(
    trials: pd.DataFrame, by: str, metrics: Sequence[str], level: float = 0.95
) -> list[Comparison]:
    """Every pair of values of the field `by`, in order, with one Holm correction over all.

    Pairs are left out that have no setting in common, lack a metric, cannot be compared (σ-VAE
    and α-VAE, whose noise levels are of two kinds), or have several trials of one seed at a
    setting. Errors: as `compare`; if no pair is left, the reason of the last one that cannot be
    compared, or TooFewRows; TooFewRows with more than twelve values.
    """
    require_column(trials, by)
    values = sorted(
        settled(trials, set())[by].dropna().unique(), key=lambda one: (isinstance(one, str), one)
    )
    if len(values) > MOST_GROUPS:
        raise TooFewRows(
            f"{symbol(by)} has {len(values)} values, too many to compare all pairs; "
            "name two groups"
        )
    found: list[Comparison] = []
    refused: NotComparable | None = None
    for first, second in combinations(values, 2):
        for metric in metrics:
            require_metric(trials, metric)
            known = trials[trials[metric].notna()]
            try:
                found += _compared(known, Groups({by: first}, {by: second}), [metric], level)
            except TooFewRows:
                continue
            except NotComparable as reason:
                refused = reason
    if not found:
        raise refused or TooFewRows(
            f"no two values of {symbol(by)} have {listed(map(quantity, metrics))} at a setting in "
            "common"
        )
    return corrected(found)


def _compared(
    trials: pd.DataFrame, groups: Groups, metrics: Sequence[str], level: float
) -> list[Comparison]:
    for name in metrics:
        require_metric(trials, name)
    for name in (*groups.first, *groups.second):
        require_column(trials, name)
    rows = settled(trials, {*groups.first, *groups.second})
    sides = (rows[matching(rows, groups.first)], rows[matching(rows, groups.second)])
    if sides[0].index.intersection(sides[1].index).size:
        raise AnalysisError(
            f"the groups ({groups.labels[0]}) and ({groups.labels[1]}) share "
            "trials; they must exclude each other"
        )
    if sides[0].empty or sides[1].empty:
        return []
    require_one_noise(sides, {*groups.first, *groups.second})
    sides = (_beside(sides[0], sides[1]), _beside(sides[1], sides[0]))
    for metric in metrics:
        require_one_unit(metric, pd.concat(sides))
    fields, also = _fields(sides, groups)
    found = []
    for setting, first, second in _settings(sides, fields):
        for metric in metrics:
            require_comparable(metric, noise_fields(pd.concat([first, second])))
            one = compare_sides(metric, groups, setting, (first, second), level)
            found.append(replace(one, also=also))
    return found


def _beside(rows: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """`rows`; if none has a β (DEEN), they stand beside the others at β = 1, if there are any."""
    if "beta" in rows and rows["beta"].isna().all() and (others["beta"] == 1).any():
        return rows.assign(beta=1.0)
    return rows


def _fields(
    sides: tuple[pd.DataFrame, pd.DataFrame], groups: Groups
) -> tuple[list[str], tuple[str, ...]]:
    """The fields that make a setting, and those that differ as the groups do.

    A field that one side does not have at all (DEEN has no β) is neither.
    """
    apart = {*groups.first, *groups.second, "seed"}
    if "model" in apart:
        apart |= set(SAID_BY_MODEL)
    both = pd.concat(sides)
    varied = [
        name
        for name in param_columns(both)
        if name not in apart
        and both[name].nunique(dropna=False) > 1
        and all(side[name].notna().any() for side in sides)
    ]
    noise = noise_levels(both)
    also = tuple(
        name
        for name in varied
        if name not in noise
        and name.split("_")[0] not in EQUAL
        and all(side[name].nunique(dropna=False) == 1 for side in sides)
    )
    return [name for name in varied if name not in also], also


def _settings(
    sides: tuple[pd.DataFrame, pd.DataFrame], fields: list[str]
) -> Iterator[tuple[dict[str, object], pd.DataFrame, pd.DataFrame]]:
    """Each setting that both sides have, with its rows on either side."""
    if not fields:
        yield {}, *sides
        return
    split = [dict(iter(side.groupby(fields, dropna=False))) for side in sides]
    texts = [{repr(key): rows for key, rows in one.items()} for one in split]
    for key, rows in texts[0].items():
        if key in texts[1]:
            yield {name: rows[name].iloc[0] for name in fields}, rows, texts[1][key]


def compare_sides(
    metric: str,
    groups: Groups,
    setting: dict[str, object],
    sides: tuple[pd.DataFrame, pd.DataFrame],
    level: float = 0.95,
) -> Comparison:
    """One metric of two groups of rows at one setting, without a correction for other tests."""
    a, b = (
        _by_seed(side, metric, label) for side, label in zip(sides, groups.labels, strict=True)
    )
    return Comparison(
        metric,
        groups.labels,
        setting,
        (len(a), len(b)),
        (float(a.mean()), float(b.mean())),
        welch(a, b, level),
        hedges(a, b, level),
    )


def _by_seed(rows: pd.DataFrame, metric: str, label: str) -> Array:
    values = rows[metric].to_numpy(dtype=np.float64)
    if not np.isfinite(values).all():
        raise UnusableValues(
            f"{quantity(metric)} is missing or not finite in "
            f"{int((~np.isfinite(values)).sum())} of {len(values)} trials of "
            f"({label}); leave them out or train them again"
        )
    if "seed" in rows and rows["seed"].duplicated().any():
        raise TooFewRows(
            f"({label}) has several trials of one seed at one setting; name what "
            "tells them apart in the group"
        )
    return values


def corrected(found: list[Comparison]) -> list[Comparison]:
    """The same comparisons with p values corrected over all of them by Holm's method."""
    adjusted = holm(np.array([one.difference.p for one in found]))
    return [replace(one, p_holm=float(p)) for one, p in zip(found, adjusted, strict=True)]


def _words(where: Mapping[str, object]) -> str:
    return (
        ", ".join(
            f"{symbol(name)} = "
            f"{listed(value) if isinstance(value, list | tuple) else _short(value)}"
            for name, value in where.items()
            if value is not None
        )
        or "all"
    )


def _short(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
