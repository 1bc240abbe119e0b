"""Select rows by their fields, with the same rules for laws, comparisons and replications."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

import numpy as np
import pandas as pd

from analysis.errors import UnknownName, UnusableValues
from analysis.sources.schema import (
    CHOSEN,
    DECLARED,
    FINISHED,
    SPLIT,
    metric_columns,
    param_columns,
)
from analysis.wording import listed, plural, quantity, symbol

__all__ = [
    "COLLAPSED",
    "chosen",
    "equals",
    "in_order",
    "matching",
    "of_splits",
    "over_splits",
    "require_column",
    "require_metric",
    "require_value",
    "settled",
    "split_alone",
    "usable",
    "varied",
]

COLLAPSED = 0.01


def varied(trials: pd.DataFrame) -> list[str]:
    """The parameters that differ between trials, less those that another one determines.

    The model is first, and the seed last.
    """
    found: list[str] = []
    names = [name for name in param_columns(trials) if name != "seed"]
    for name in sorted(names, key=lambda name: name != "model"):
        values = trials[name].map(str)
        follows = any(values.groupby(trials[one].map(str)).nunique().max() == 1 for one in found)
        if values.nunique() > 1 and not follows:
            found.append(name)
    return [*found, *(["seed"] if "seed" in trials else [])]


def in_order(trials: pd.DataFrame) -> pd.DataFrame:
    """The trials in the order of the settings that differ between them."""
    settings = varied(trials)
    if not settings:
        return trials
    return trials.sort_values(settings, key=_sortable, kind="stable", ignore_index=True)


def _sortable(column: pd.Series[Any]) -> pd.Series[Any]:
    return column if pd.api.types.is_numeric_dtype(column) else column.map(str)


def equals(column: pd.Series[Any], value: object) -> pd.Series[bool]:
    """Whether each entry equals `value` or one of a list; numbers to 9 digits; None: missing."""
    values = value if isinstance(value, list | tuple | set) else [value]
    keep = pd.Series(False, index=column.index)
    for one in values:
        if one is None:
            keep |= column.isna()
        elif isinstance(one, int | float) and pd.api.types.is_numeric_dtype(column):
            keep |= pd.Series(
                np.isclose(column.astype(float), one, rtol=1e-9, atol=0), index=column.index
            )
        else:
            keep |= column == one
    return keep


def matching(trials: pd.DataFrame, where: Mapping[str, object]) -> pd.Series[bool]:
    """Whether each row's fields all have the values in `where`."""
    keep = pd.Series(True, index=trials.index)
    for name, value in where.items():
        keep &= equals(trials[name], value)
    return keep


def settled(trials: pd.DataFrame, named: Collection[str]) -> pd.DataFrame:
    """The finished and declared rows; a `named` field (status, role) is not filtered."""
    keep = pd.Series(True, index=trials.index)
    for name, value in (("role", DECLARED), ("status", FINISHED)):
        if name in trials.columns and name not in named:
            keep &= trials[name] == value
    return trials[keep]


def over_splits(rows: pd.DataFrame, metrics: Collection[str]) -> pd.DataFrame:
    """One row a seed, with the means of `metrics` over its splits of the data, of one setting.

    The rows as they are if there is one split, or no seed.
    """
    if SPLIT not in rows or rows[SPLIT].nunique() < 2:
        return rows
    if "seed" not in rows or rows["seed"].isna().any():
        return rows
    first = rows.drop_duplicates("seed").sort_values("seed")
    means = rows.groupby("seed")[list(metrics)].mean()
    return first.assign(**{name: means[name].to_numpy() for name in metrics})


def of_splits(count: int) -> str:
    """What to say of means over `count` splits of the data."""
    return (
        f"{plural(count, 'split')} of the data were averaged for each seed: they are not new seeds"
    )


def chosen(rows: pd.DataFrame) -> list[str]:
    """What to say beside an interval of rows of which a field was chosen on the validation part.

    One phrase for each such field; its choice is made by the same seeds, and is not in the
    scatter between them.
    """
    return [
        f"the {symbol(str(name).removeprefix(CHOSEN))} was chosen at each setting "
        f"({listed(sorted(map(float, rows[name].dropna().unique())))}), for which the interval "
        "does not allow"
        for name in rows
        if str(name).startswith(CHOSEN) and rows[name].notna().any()
    ]


def split_alone(rows: pd.DataFrame) -> bool:
    """Whether the data of the rows differ in nothing but the split: one checksum a split."""
    if SPLIT not in rows or "checksum" not in rows or rows[SPLIT].isna().any():
        return False
    return rows[SPLIT].nunique() > 1 and bool(
        (rows.groupby(SPLIT)["checksum"].nunique() < 2).all()
    )


def require_column(trials: pd.DataFrame, name: str) -> None:
    """UnknownName, with the nearest known name, if the frame has no such column."""
    if name not in trials.columns:
        pool = metric_columns(trials) if "/" in name else param_columns(trials)
        raise UnknownName(f"no trial has {name!r}; {_hint(name, trials.columns, pool)}")


def require_metric(trials: pd.DataFrame, name: str) -> None:
    """UnknownName unless `name` is a metric of the trials (and not a field of the grid)."""
    known = metric_columns(trials)
    if name not in trials.columns:
        raise UnknownName(f"no trial has {name!r}; {_hint(name, known, known)}")
    if name not in known:
        raise UnknownName(f"{name!r} is no metric; known: {listed(known, 20) or 'none'}")


def _hint(name: str, columns: Iterable[object], pool: Iterable[str]) -> str:
    """The most similar column (`sigma` for σ, `test/kl` for kl), or else all of `pool`."""
    known = sorted(map(str, columns), key=lambda one: not one.startswith("test/"))
    near = [one for one in known if name in (symbol(one), one.rpartition("/")[2])]
    near += get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else f"known: {listed(pool, 20) or 'none'}"


def require_value(trials: pd.DataFrame, name: str, value: object) -> None:
    """UnknownName, with the existing values, if no row has this value."""
    if equals(trials[name], value).any():
        return
    known = sorted({str(one) for one in trials[name].dropna()})
    near = get_close_matches(value, known, n=1, cutoff=0.5) if isinstance(value, str) else []
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise UnknownName(f"no trial has {name}={value}{hint} ({name} is {listed(known, 20)})")


def usable(rows: pd.DataFrame, y: str) -> None:
    """UnusableValues if column `y` has a missing or non-positive value, or a collapsed KL."""
    values = rows[y].to_numpy(dtype=np.float64)
    names = rows["label"] if "label" in rows else pd.Series(rows.index, index=rows.index)
    for bad, fault, remedy in _faults(values, y):
        if bad.any():
            raise UnusableValues(
                f"{quantity(y)} is {fault} in {int(bad.sum())} of {len(rows)} "
                f"rows ({listed(names[bad], 3)}); {remedy}"
            )


def _faults(values: np.ndarray, y: str) -> list[tuple[np.ndarray, str, str]]:
    faults = [
        (
            ~np.isfinite(values),
            "missing or not finite",
            "leave those rows out with where, or train them again",
        ),
        (values <= 0, "zero or negative", "a power law needs positive values: restrict the range"),
    ]
    if y.rpartition("/")[2] == "kl":
        faults.append(
            (
                values < COLLAPSED,
                f"below {COLLAPSED:g} nats",
                "there the posterior has collapsed and log KL is noise: restrict the range",
            )
        )
    return faults
