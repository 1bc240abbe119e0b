"""Which columns of a table of runs are what, and whether they can be used so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

import numpy as np
import pandas as pd

from analysis.errors import MixedRows, TooFewRows, UnknownName, UnusableValues
from analysis.sources.rows import equals, of_splits
from analysis.sources.table import Table, typed
from analysis.wording import listed, plural

_AT = "the number of a row's setting"

__all__ = [
    "Columns",
    "averaged",
    "chosen",
    "require_columns",
    "require_numbers",
    "require_one_row_each",
    "require_positive",
]


@dataclass(frozen=True)
class Columns:
    """The roles of a table's columns, each by its name.

    y: the metric. x: the hyperparameter that a law is about, or a setting of comparisons.
    seed: what numbers the repetitions of a setting. group: further settings, each fitted or
    compared on its own. split: what numbers the splits of the data, over which `averaged` takes
    the mean of each seed.
    """

    y: str
    x: str | None = None
    seed: str | None = None
    group: tuple[str, ...] = ()
    split: str | None = None

    @property
    def setting(self) -> list[str]:
        """The columns that rows to be compared have in common."""
        return [*((self.x,) if self.x else ()), *self.group]


def chosen(table: Table, where: Mapping[str, object]) -> Table:
    """The rows with these values; a list admits each of its values.

    Errors: UnknownName for a column or a value that the table has not.
    """
    require_columns(table, where)
    keep = pd.Series(True, index=table.frame.index)
    for name, value in where.items():
        column = table.frame[name]
        found = equals(column, _as_in(column, value))
        if not found.any():
            known = listed(sorted({str(one) for one in column.dropna()}), 20)
            raise UnknownName(f"no row of {table.name} has {name}={value} ({name} is {known})")
        keep &= found
    if not keep.any():
        said = ", ".join(f"{name}={value}" for name, value in where.items())
        raise TooFewRows(f"no row of {table.name} has {said} together")
    return replace(table, frame=_retyped(table.frame[keep]), where={**table.where, **where})


def _retyped(frame: pd.DataFrame) -> pd.DataFrame:
    """With columns of numbers where only rows that were left out had text."""
    texts = [name for name in frame if not pd.api.types.is_numeric_dtype(frame[name])]
    return frame.assign(**{str(name): typed(frame[name]).to_numpy() for name in texts})


def _as_in(column: pd.Series, value: object) -> object:
    """A value as a text column has it: 64 is "64" there, and true "true" or "True"."""
    if pd.api.types.is_numeric_dtype(column):
        return value
    values = value if isinstance(value, list | tuple) else [value]
    return [text for one in values for text in (str(one), str(one).lower())]


def require_columns(table: Table, names: Iterable[str]) -> None:
    """UnknownName, with the nearest name, for a column that the table has not."""
    known = [str(name) for name in table.frame.columns]
    for name in names:
        if name not in known:
            lower = {one.lower(): one for one in known}
            near = get_close_matches(name.lower(), lower, n=1, cutoff=0.5)
            hint = f"did you mean {lower[near[0]]!r}?" if near else f"columns: {listed(known, 20)}"
            raise UnknownName(f"{table.name} has no column {name!r}; {hint}")


def require_numbers(table: Table, columns: Columns, gaps: bool = False) -> None:
    """Raise unless the table has these columns, x, y and the seed as numbers, with no gaps.

    gaps: whether values of `group` may be missing.
    Errors: UnknownName for a missing column, or one named for two roles; UnusableValues for text,
    missing, NaN or infinite values, with the row.
    """
    named = [name for name in (columns.x, columns.y, columns.seed) if name]
    every = [*named, *columns.group]
    require_columns(table, every)
    twice = [name for name in every if every.count(name) > 1]
    if twice:
        raise UnknownName(f"the column {twice[0]!r} is named for two roles; each needs its own")
    for name in named:
        _require_number(table.frame[name])
    for name in () if gaps else columns.group:
        column = table.frame[name]
        absent = column.isna() | (column == "")
        if absent.any():
            raise UnusableValues(
                f"{name} is missing in {absent.idxmax()}{_more(absent)}; leave such rows out"
            )


def _require_number(column: pd.Series) -> None:
    name = column.name
    if not pd.api.types.is_numeric_dtype(column):
        numbers = pd.to_numeric(column.where(column != "", None), errors="coerce")
        text = numbers.isna() & ~column.str.lower().isin(["", "nan"])
        raise UnusableValues(
            f"{name} is {column[text].iloc[0]!r} in {text.idxmax()}{_more(text)}, where a number "
            "is needed; correct it or leave such rows out with where"
        )
    bad = pd.Series(~np.isfinite(column.to_numpy(dtype=np.float64)), index=column.index)
    if bad.any():
        said = "missing or NaN" if np.isnan(column[bad].iloc[0]) else "infinite"
        raise UnusableValues(
            f"{name} is {said} in {bad.idxmax()}{_more(bad)}; leave such rows out with where, or "
            "complete them"
        )


def _more(rows: pd.Series) -> str:
    others = int(rows.sum()) - 1
    return f" and {others} more" if others else ""


def require_positive(rows: pd.DataFrame, names: Sequence[str], why: str) -> None:
    """UnusableValues, with the row, for a value that has no logarithm."""
    for name in names:
        bad = rows[name] <= 0
        if bad.any():
            raise UnusableValues(
                f"{name} is {rows[name][bad].iloc[0]:g} in {bad.idxmax()}{_more(bad)}; {why} "
                "needs positive values"
            )


def require_one_row_each(rows: pd.DataFrame, setting: Sequence[str], seed: str | None) -> None:
    """MixedRows if a setting has two rows of one seed, or two rows and no seed column."""
    keys = [*setting, *((seed,) if seed else ())]
    same = rows.duplicated(keys, keep=False) if keys else pd.Series(len(rows) > 1, rows.index)
    if not same.any():
        return
    first = rows[same].iloc[0]
    alike = rows[(rows[keys] == first[keys]).all(axis=1)]
    at = " and ".join(f"{name} = {_short(first[name])}" for name in keys) or "no setting"
    one, other = alike.index[:2]
    if seed is None:
        raise MixedRows(
            f"{one} and {other} have the same {at}, and no seed column is named; name the column "
            "that numbers the repetitions as the seed"
        )
    apart = [name for name in rows if alike[name].nunique(dropna=False) > 1]
    remedy = (
        f"they differ in {listed(apart)}: name such a column as a group, or as the split of the "
        "data that is averaged for each seed, or choose with where"
        if apart
        else "they are copies: keep one"
    )
    raise MixedRows(f"{one} and {other} have the same {at}; {remedy}")


def averaged(table: Table, columns: Columns, apart: Iterable[str] = ()) -> Table:
    """With one row a setting and seed, the mean of y over the splits of the data; notes say so.

    A split that a seed does not have at each of its settings is left out, so that no settings are
    compared on different data. apart: further columns that tell settings apart.
    Errors: UnknownName without a seed column; MixedRows for two rows of one split, and for a seed
    without a split that it has everywhere.
    """
    seed, split = columns.seed, columns.split
    if split is None:
        return table
    if seed is None:
        raise UnknownName("splits are averaged for each seed, and no seed column is named")
    settings = list(dict.fromkeys([*columns.setting, *apart]))
    require_columns(table, [split, *settings])
    require_numbers(table, Columns(columns.y, columns.x, seed), gaps=True)
    require_one_row_each(table.frame, [*settings, split], seed)
    rows = _common_splits(table.frame, settings, (seed, split))
    keys = [*settings, seed]
    labels = rows.index.to_series().groupby([rows[key] for key in keys], dropna=False)
    means = rows.groupby(keys, dropna=False)[[columns.y]].mean().reset_index()
    means.index = pd.Index(labels.agg(lambda names: listed(names, 3)))
    notes = [of_splits(rows[split].nunique())]
    if left := len(table.frame) - len(rows):
        notes.append(
            f"{plural(left, 'row')} of splits that a seed lacks at one of its settings left out"
        )
    return replace(table, frame=means, notes=(*table.notes, *notes), runs=len(rows))


def _common_splits(
    frame: pd.DataFrame, settings: Sequence[str], repeated: tuple[str, str]
) -> pd.DataFrame:
    """The rows of the splits that a seed has at each of its settings; repeated: seed, split."""
    seed, _ = repeated
    at = frame.groupby(list(settings), dropna=False).ngroup() if settings else 0
    marked = frame.assign(**{_AT: at})
    wanted = marked.groupby(seed)[_AT].transform("nunique")
    kept = frame[marked.groupby(list(repeated), dropna=False)[_AT].transform("nunique") == wanted]
    lost = set(frame[seed]) - set(kept[seed])
    if lost:
        raise MixedRows(
            f"{seed} = {_short(min(lost))} has no split that it has at each of its settings, so "
            "there is nothing to average; choose rows with where"
        )
    return kept


def _short(value: object) -> str:
    return f"{value:g}" if isinstance(value, int | float | np.number) else str(value)
