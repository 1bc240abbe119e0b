"""Power laws of any table of runs: one for each group of rows, by columns that the user names.

Nothing is assumed of the columns: no row is left out for its β, and no value for its size.

Example::

    table = read_table(Path("runs.csv"))
    for found in fit_groups(table, Columns(y="loss", x="width", seed="seed", group=("depth",))):
        print(found.label, found.law.sentence() if found.law else found.refusal)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from analysis.errors import AnalysisError, TooFewRows, UnknownName
from analysis.laws.hypotheses import Against
from analysis.laws.law import Law, Points
from analysis.laws.powerlaw import PowerLaw, fit_points
from analysis.laws.shape_family import with_shapes
from analysis.sources.columns import (
    Columns,
    require_numbers,
    require_one_row_each,
    require_positive,
)
from analysis.sources.table import Table
from analysis.statistics.multiplicity import places
from analysis.wording import listed, plural, setting

__all__ = ["NOT_DECLARED", "GroupLaw", "fit_groups", "in_one_family", "undeclared"]

Range = tuple[float, float] | None
NOT_DECLARED = "a table declares no law"


@dataclass(frozen=True, eq=False)
class GroupLaw:
    """The rows of one group, and their law or the sentence that says why there is none."""

    fields: Mapping[str, object]
    rows: pd.DataFrame
    law: PowerLaw | None = None
    refusal: str = ""

    @property
    def label(self) -> str:
        return ", ".join(setting(name, value) for name, value in self.fields.items())

    def to_json(self) -> dict[str, object]:
        """The law's own numbers, below the group's values if there are any."""
        found: dict[str, object] = {"refusal": self.refusal}
        if self.law:
            found = self.law.to_json()
        return {"group": dict(self.fields), **found} if self.fields else found


@dataclass(frozen=True)
class _Asked:
    """The law that each group is asked for."""

    law: Law
    columns: Columns
    notes: tuple[str, ...] = field(default=())


def fit_groups(table: Table, columns: Columns, within: Range = None) -> list[GroupLaw]:
    """A law for each group, in the order of the groups' values; of all rows without `group`.

    Rows without a value of a group's column are a group of their own.

    within: the range of x, ends included. A group that cannot be fitted says why.
    Errors: AnalysisError, one sentence, for a column that is missing or has other things than
    numbers, for two rows of one x and seed, and if no group can be fitted.
    """
    if columns.x is None:
        raise UnknownName("a law needs a column x: the hyperparameter that y depends on")
    require_numbers(table, columns, gaps=True)
    rows = _within(table.frame, columns.x, within)
    law = Law(columns.x, columns.y, within, table.where)
    later = ["the rows"] * bool(table.where) + ["the range"] * (len(rows) < len(table.frame))
    were = "was" if later == ["the range"] else "were"
    law = replace(law, post_hoc=f"{listed(later)} {were} chosen after the run" if later else "")
    asked = _Asked(law, columns, table.notes)
    if not columns.group:
        return [GroupLaw({}, rows, _law(rows, asked))]
    found = [
        _group(dict(zip(columns.group, values, strict=True)), one, asked)
        for values, one in rows.groupby(list(columns.group), dropna=False)
    ]
    if not any(one.law for one in found):
        raise TooFewRows(
            f"no group of {table.name} has a law: {found[0].refusal}"
            if found
            else f"no row of {table.name} is within the range"
        )
    return found


def undeclared(found: Sequence[GroupLaw]) -> list[GroupLaw]:
    """The same laws called post hoc, for a table declares none before its runs."""
    return [replace(one, law=_undeclared(one.law)) if one.law else one for one in found]


def _undeclared(law: PowerLaw) -> PowerLaw:
    said = "; ".join(filter(None, [NOT_DECLARED, law.law.post_hoc]))
    return replace(law, law=replace(law.law, post_hoc=said))


def in_one_family(
    found: Sequence[GroupLaw], tests: Sequence[Against]
) -> tuple[list[GroupLaw], list[Against]]:
    """The laws of the groups and tests of their ν, corrected together (Holm).

    A law alone, and a test beside it, stay as they are.
    """
    laws = [one.law for one in found if one.law]
    if len(laws) < 2:
        return list(found), list(tests)
    p = [law.p if law.tested else math.nan for law in laws] + [test.p for test in tests]
    family = places(p)
    placed = with_shapes(
        [law.placed(at) if at.p == at.p else law for law, at in zip(laws, family, strict=False)]
    )
    return (
        [replace(one, law=next(placed)) if one.law else one for one in found],
        [test.placed(at) for test, at in zip(tests, family[len(laws) :], strict=True)],
    )


def _within(frame: pd.DataFrame, x: str, within: Range) -> pd.DataFrame:
    if within is None:
        return frame
    low, high = within[0] * (1 - 1e-9), within[1] * (1 + 1e-9)
    return frame[(frame[x] >= low) & (frame[x] <= high)]


def _group(fields: Mapping[str, object], rows: pd.DataFrame, asked: _Asked) -> GroupLaw:
    where = {name: _plain(value) for name, value in fields.items()}
    law = replace(asked.law, where={**asked.law.where, **where})
    try:
        found = _law(rows, replace(asked, law=law))
    except TooFewRows as refusal:
        return GroupLaw(where, rows, None, str(refusal))
    except AnalysisError as refusal:
        label = GroupLaw(where, rows).label
        raise type(refusal)(f"{label}: {refusal}") from refusal
    return GroupLaw(where, rows, found)


def _plain(value: object) -> object:
    """A group's value as it stands in a grid; None where it is missing."""
    found = value.item() if isinstance(value, np.generic) else value
    return None if found == "" or found != found else found


def _law(rows: pd.DataFrame, asked: _Asked) -> PowerLaw:
    x, y, seed = asked.columns.x, asked.columns.y, asked.columns.seed
    assert x is not None
    if rows[x].nunique() < 3:
        raise TooFewRows(
            f"a law needs at least three values of {x}, and {plural(len(rows), 'row')} "
            f"{'has' if len(rows) == 1 else 'have'} {rows[x].nunique()}"
        )
    require_positive(rows, [x, y], "a power law")
    require_one_row_each(rows, [x], seed)
    seeds = rows[seed].to_numpy() if seed else None
    points = Points(
        rows[x].to_numpy(dtype=np.float64), rows[y].to_numpy(dtype=np.float64), seeds, asked.notes
    )
    return fit_points(points, asked.law)
