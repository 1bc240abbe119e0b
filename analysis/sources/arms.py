"""Two groups of runs of a table at every setting that both have: what tests compare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pandas as pd

from analysis.errors import AnalysisError, TooFewRows, UnknownName
from analysis.sources.columns import (
    Columns,
    chosen,
    require_columns,
    require_numbers,
    require_one_row_each,
)
from analysis.sources.table import Table
from analysis.wording import listed, plural, setting

__all__ = ["Arms", "arms", "every_pair"]

MOST_GROUPS = 12


@dataclass(frozen=True, eq=False)
class Arms:
    """The rows of two groups at one setting, one a seed; y is the metric to compare.

    wheres: column -> value, or list of values, that choose the rows of each group.
    """

    y: str
    seed: str
    wheres: tuple[Mapping[str, object], Mapping[str, object]]
    setting: Mapping[str, object]
    rows: tuple[pd.DataFrame, pd.DataFrame]

    @property
    def labels(self) -> tuple[str, str]:
        """Each group with its setting, in words."""
        first, second = (_words({**where, **self.setting}) for where in self.wheres)
        return first, second


def _words(where: Mapping[str, object]) -> str:
    return ", ".join(setting(name, value) for name, value in where.items())


def arms(
    table: Table, first: Mapping[str, object], second: Mapping[str, object], columns: Columns
) -> list[Arms]:
    """The groups at each setting (values of x and of `group`) that both have.

    Errors: AnalysisError, one sentence: no seed column, an unknown column or value, other things
    than numbers, rows in both groups, two rows of one seed at a setting, no setting in common,
    or fewer than two seeds in one of the groups at every setting.
    """
    if columns.seed is None:
        raise UnknownName(
            "two groups are compared over seeds, and no seed column is named; name the column "
            "that numbers the repetitions as the seed"
        )
    names = [name for name in columns.setting if name not in {*first, *second}]
    sides = [chosen(table, where) for where in (first, second)]
    for side in sides:
        require_numbers(side, replace(columns, x=None, group=tuple(names)))
        require_one_row_each(side.frame, names, columns.seed)
    both = sides[0].frame.index.intersection(sides[1].frame.index)
    if len(both):
        raise AnalysisError(f"{both[0]} is in both groups; they must exclude each other")
    found = [
        Arms(columns.y, columns.seed, (first, second), at, rows)
        for at, rows in _settings(sides[0].frame, sides[1].frame, names)
    ]
    said = f"the groups ({_words(first)}) and ({_words(second)})"
    if not found:
        raise TooFewRows(f"{said} have no value of {listed(names)} in common")
    if max(min(map(len, one.rows)) for one in found) < 2:
        most = [max(len(one.rows[side]) for one in found) for side in (0, 1)]
        each = f"{'at most ' * bool(names)}{most[0]} and {plural(most[1], 'seed')}"
        at = f" at no value of {listed(names)} two seeds each, but" * bool(names)
        raise TooFewRows(
            f"{said} have{at} {each}; a test needs two seeds in each group, and an "
            "equivalence test five for a verdict"
        )
    return found


def _settings(
    first: pd.DataFrame, second: pd.DataFrame, names: list[str]
) -> Iterator[tuple[dict[str, object], tuple[pd.DataFrame, pd.DataFrame]]]:
    """Each setting that both sides have, with its rows on either side."""
    if not names:
        yield {}, (first, second)
        return
    others = dict(iter(second.groupby(names)))
    for key, rows in first.groupby(names):
        if key in others:
            yield dict(zip(names, map(_plain, key), strict=True)), (rows, others[key])


def _plain(value: object) -> object:
    return value.item() if isinstance(value, np.generic) else value


def every_pair(table: Table, by: str, columns: Columns) -> list[Arms]:
    """The arms of every pair of values of the column `by` that have a setting in common.

    Errors: as `arms`; if no pair can be compared, the reason of the last; TooFewRows below two
    and above twelve values.
    """
    require_columns(table, [by])
    values = [_plain(one) for one in sorted(table.frame[by].dropna().unique())]
    if not 2 <= len(values) <= MOST_GROUPS:
        raise TooFewRows(
            f"{by} has {plural(len(values), 'value')}, and the pairs of 2 to {MOST_GROUPS} values "
            "can be compared; name two groups"
        )
    found: list[Arms] = []
    refused: TooFewRows | None = None
    for first, second in combinations(values, 2):
        try:
            found += arms(table, {by: first}, {by: second}, columns)
        except TooFewRows as reason:
            refused = reason
    if refused and not found:
        raise refused
    return found
