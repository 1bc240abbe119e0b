"""Which rows a law is fitted to: finished, declared, β = 1, differing in x and seed alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis.errors import AnalysisError, MixedRows, TooFewRows, UnusableValues
from analysis.laws.added_seeds import stopped_by_looks
from analysis.sources.comparable import moving, require_comparable
from analysis.sources.machines import mixed
from analysis.sources.rows import (
    chosen,
    equals,
    matching,
    of_splits,
    require_column,
    require_metric,
    require_value,
    settled,
    split_alone,
    usable,
)
from analysis.sources.schema import SPLIT, param_columns
from analysis.wording import listed, plural, quantity, symbol

__all__ = ["Law", "Points", "filtered", "mixed_fields", "points", "table_points"]

REPEATED = "repeated rows of one seed were averaged: they are not new seeds"


@dataclass(frozen=True)
class Law:
    """log y = c − ν log x, over rows that differ in x and seed only.

    x: a hyperparameter (sigma, alpha, beta, d_z). y: a metric with positive values.
    range: the declared range of x, ends included; None is all.
    where: field -> value or list of values; by default role is declared, status is finished
        and β is 1 (unless x is β); a field named here replaces its default.
    ignore: fields that may differ because they follow x (a network width that follows d_z).
    post_hoc: what of this was chosen after the run, in words; empty if all was declared before.
    looked: whether seeds were added until the interval of ν was narrow.
    """

    x: str = "sigma"
    y: str = "test/kl"
    range: tuple[float, float] | None = None
    where: Mapping[str, object] = field(default_factory=dict)
    ignore: tuple[str, ...] = ()
    post_hoc: str = ""
    looked: bool = False

    def __post_init__(self) -> None:
        if self.range is not None and not 0 < self.range[0] < self.range[1]:
            raise AnalysisError(f"the fit range must be 0 < low < high, not {self.range}")

    @classmethod
    def declared(cls, section: Mapping[str, Any]) -> Law:
        """The law of a grid's `analysis` section."""
        ends = section.get("range")
        return cls(**{**section, "range": tuple(ends) if ends else None})

    def after(self, sweeps: Iterable[Mapping[str, Any]]) -> Law:
        """The same of an experiment's sweeps: with whether one of them added seeds to it."""
        return replace(self, looked=stopped_by_looks(sweeps, (self.x, self.y)))


@dataclass(frozen=True)
class Points:
    """The rows of a law: x, y, the seed of each (None: no seeds), and what was left out.

    repeats: what to say of several rows of one seed and x, which are averaged.
    """

    x: np.ndarray
    y: np.ndarray
    seed: np.ndarray | None = None
    notes: tuple[str, ...] = ()
    repeats: str = REPEATED


def points(trials: pd.DataFrame, law: Law) -> Points:
    """The rows that `law` speaks about.

    Errors: UnknownName, NotComparable, TooFewRows, MixedRows, UnusableValues.
    """
    require_comparable(law.y, {law.x} & {*moving(trials), "beta"})
    kept = filtered(trials, law)
    _require_numbers(trials, law)
    rows, notes = _with_values(kept, law)
    _require_rows(trials, rows, law)
    splits = split_alone(rows)
    free = {law.x, "seed", SPLIT, *law.ignore, *(["checksum"] * splits)}
    different = mixed_fields(rows, free)
    if different:
        raise MixedRows(_mixed_message(different, law))
    _positive(rows, law.x)
    usable(rows, law.y)
    seed = rows["seed"].to_numpy() if "seed" in rows and rows["seed"].notna().all() else None
    notes += [several] if (several := mixed(rows)) else []
    notes += chosen(rows)
    return Points(
        rows[law.x].to_numpy(dtype=np.float64),
        rows[law.y].to_numpy(dtype=np.float64),
        seed,
        tuple(notes),
        of_splits(rows[SPLIT].nunique()) if splits else REPEATED,
    )


def table_points(x: ArrayLike, y: ArrayLike) -> Points:
    """The points of a table without seeds.

    Errors: TooFewRows below three different x; UnusableValues unless all are positive.
    """
    xs, ys = np.asarray(x, dtype=np.float64).ravel(), np.asarray(y, dtype=np.float64).ravel()
    if xs.shape != ys.shape or len(np.unique(xs)) < 3:
        raise TooFewRows(
            "a law needs as many y as x, and at least three different x; got "
            f"{len(xs)} x ({len(np.unique(xs))} different) and {len(ys)} y"
        )
    if not (np.isfinite(xs) & np.isfinite(ys) & (xs > 0) & (ys > 0)).all():
        raise UnusableValues("a power law needs positive, finite x and y")
    return Points(xs, ys)


def filtered(trials: pd.DataFrame, law: Law) -> pd.DataFrame:
    """The rows within `where`, its defaults and `range`; UnknownName for what no trial has."""
    for name in (law.x, *law.where):
        require_column(trials, name)
    require_metric(trials, law.y)
    rows = settled(trials, law.where)
    keep = rows[law.x].notna() & matching(rows, law.where)
    if "beta" in rows.columns and law.x != "beta" and "beta" not in law.where:
        keep &= equals(rows["beta"], [None, 1.0])
    if law.range is not None:
        _require_numbers(trials, law)
        x = rows[law.x].astype(float)
        keep &= (x >= law.range[0] * (1 - 1e-9)) & (x <= law.range[1] * (1 + 1e-9))
    return rows[keep]


def _require_numbers(trials: pd.DataFrame, law: Law) -> None:
    """UnusableValues unless x and y are columns of numbers, and x says something of the model."""
    if law.x == "seed":
        raise UnusableValues(
            "a law cannot be fitted over the seed: it numbers repetitions and "
            f"has no size; known: {listed(_scales(trials), 20)}"
        )
    for name in (law.x, law.y):
        if not _is_number(trials[name]):
            said = listed(map(repr, trials[name].dropna().unique()), 3) or "nothing"
            raise UnusableValues(
                f"a law is about numbers, and {name} is {said}; known: "
                f"{listed(_scales(trials), 20)}"
            )


def _is_number(column: pd.Series[Any]) -> bool:
    return bool(pd.api.types.is_numeric_dtype(column)) and not pd.api.types.is_bool_dtype(column)


def _scales(trials: pd.DataFrame) -> list[str]:
    """The hyperparameters that a law can be fitted over."""
    return [
        name
        for name in param_columns(trials)
        if name != "seed" and _is_number(trials[name]) and trials[name].nunique() > 1
    ]


def _positive(rows: pd.DataFrame, x: str) -> None:
    values = rows[x].to_numpy(dtype=np.float64)
    bad = ~(np.isfinite(values) & (values > 0))
    if bad.any():
        raise UnusableValues(
            f"{symbol(x)} is {listed(sorted(set(values[bad].tolist())), 3)} in "
            f"{int(bad.sum())} of {len(rows)} rows; a power law needs a "
            f"positive {symbol(x)}: give a range above zero"
        )


def _with_values(rows: pd.DataFrame, law: Law) -> tuple[pd.DataFrame, list[str]]:
    """Without the models that never report y (DEEN has no KL), if others do."""
    if "model" not in rows or "model" in law.where or rows[law.y].notna().all():
        return rows, []
    has = rows.groupby("model")[law.y].count()
    absent = sorted(has.index[has == 0])
    if not absent or len(absent) == len(has):
        return rows, []
    return (
        rows[~rows["model"].isin(absent)],
        [f"{listed(absent)} reports no {quantity(law.y)} and is left out"],
    )


def _require_rows(trials: pd.DataFrame, rows: pd.DataFrame, law: Law) -> None:
    if len(rows) and rows[law.x].nunique() >= 3:
        return
    for name, value in law.where.items() if not len(rows) else ():
        require_value(trials, name, value)
    raise TooFewRows(
        f"a law needs at least three values of {symbol(law.x)}: {len(rows)} of "
        f"{plural(len(trials), 'trial')} count for it, with "
        f"{plural(rows[law.x].nunique(), 'value')} (those that are finished, at β = 1 "
        "and in the law's range)"
    )


def mixed_fields(rows: pd.DataFrame, free: set[str]) -> dict[str, list[object]]:
    """The fields, other than `free`, in which rows differ, with their values."""
    fields = [*param_columns(rows), *(c for c in ("checksum", "epoch") if c in rows)]
    found = {name: list(rows[name].unique()) for name in fields if name not in free}
    return {name: values for name, values in found.items() if len(values) > 1}


def _mixed_message(different: Mapping[str, Sequence[object]], law: Law) -> str:
    said = "; ".join(f"{name} ({listed(values, 4)})" for name, values in different.items())
    name, values = next(iter(different.items()))
    return (
        f"rows of one law may differ in {symbol(law.x)} and seed only, but these differ in "
        f"{said}; choose with where, for example {name}={_plain(values[0])}"
    )


def _plain(value: object) -> object:
    """A value as it stands in a grid, not as numpy shows it."""
    return value.item() if isinstance(value, np.generic) else value
