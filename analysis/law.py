"""Which rows a law is fitted to: finished, declared, β = 1, differing in x and seed alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

import numpy as np
import pandas as pd

from analysis.comparable import require_comparable
from analysis.errors import AnalysisError, MixedRows, TooFewRows, UnknownName, UnusableValues
from analysis.schema import DECLARED, FINISHED, metric_columns, param_columns
from analysis.wording import listed, plural, quantity, symbol

__all__ = ["COLLAPSED", "Law", "Points", "filtered", "mixed_fields", "points", "require_column",
           "usable"]

COLLAPSED = 0.01


@dataclass(frozen=True)
class Law:
    """log y = c − ν log x, over rows that differ in x and seed only.

    x: a hyperparameter (sigma, alpha, beta, d_z). y: a metric with positive values.
    range: the declared range of x, ends included; None is all.
    where: field -> value or list of values; by default role is declared, status is finished
        and β is 1 (unless x is β); a field named here replaces its default.
    ignore: fields that may differ because they follow x (a network width that follows d_z).
    """

    x: str = "sigma"
    y: str = "test/kl"
    range: tuple[float, float] | None = None
    where: Mapping[str, object] = field(default_factory=dict)
    ignore: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.range is not None and not 0 < self.range[0] < self.range[1]:
            raise AnalysisError(f"the fit range must be 0 < low < high, not {self.range}")


@dataclass(frozen=True)
class Points:
    """The rows of a law: x, y, the seed of each (None: no seeds), and what was left out."""

    x: np.ndarray
    y: np.ndarray
    seed: np.ndarray | None = None
    notes: tuple[str, ...] = ()


def points(trials: pd.DataFrame, law: Law) -> Points:
    """The rows that `law` speaks about.

    Errors: UnknownName, NotComparable, TooFewRows, MixedRows, UnusableValues.
    """
    for name in (law.x, law.y, *law.where):
        require_column(trials, name)
    require_comparable(law.y, (law.x,))
    rows, notes = _with_values(filtered(trials, law), law)
    _require_rows(trials, rows, law)
    different = mixed_fields(rows, {law.x, "seed", *law.ignore})
    if different:
        raise MixedRows(_mixed_message(different, law))
    usable(rows, law.y)
    seed = rows["seed"].to_numpy() if "seed" in rows and rows["seed"].notna().all() else None
    return Points(rows[law.x].to_numpy(dtype=np.float64), rows[law.y].to_numpy(dtype=np.float64),
                  seed, tuple(notes))


def require_column(trials: pd.DataFrame, name: str) -> None:
    """UnknownName, with the nearest known name, if the frame has no such column."""
    if name in trials.columns:
        return
    known = [str(c) for c in trials.columns]
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    pool = metric_columns(trials) if "/" in name else param_columns(trials)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {listed(pool, 20) or 'none'}"
    raise UnknownName(f"no trial has {name!r}; {hint}")


def filtered(trials: pd.DataFrame, law: Law) -> pd.DataFrame:
    """The rows within `where`, its defaults and `range`."""
    keep = trials[law.x].notna()
    for name, value in law.where.items():
        keep &= _equals(trials[name], value)
    for name, value in (("role", DECLARED), ("status", FINISHED)):
        if name in trials.columns and name not in law.where:
            keep &= trials[name] == value
    if "beta" in trials.columns and law.x != "beta" and "beta" not in law.where:
        keep &= trials["beta"].isna() | _equals(trials["beta"], 1.0)
    if law.range is not None:
        x = trials[law.x].astype(float)
        keep &= (x >= law.range[0] * (1 - 1e-9)) & (x <= law.range[1] * (1 + 1e-9))
    return trials[keep]


def _equals(column: pd.Series[object], value: object) -> pd.Series[bool]:
    values = value if isinstance(value, list | tuple | set) else [value]
    keep = pd.Series(False, index=column.index)
    for one in values:
        if isinstance(one, int | float) and pd.api.types.is_numeric_dtype(column):
            keep |= pd.Series(np.isclose(column.astype(float), one, rtol=1e-9, atol=0),
                              index=column.index)
        else:
            keep |= column == one
    return keep


def _with_values(rows: pd.DataFrame, law: Law) -> tuple[pd.DataFrame, list[str]]:
    """Without the models that never report y (DEEN has no KL), if others do."""
    if "model" not in rows or "model" in law.where or rows[law.y].notna().all():
        return rows, []
    has = rows.groupby("model")[law.y].count()
    absent = sorted(has.index[has == 0])
    if not absent or len(absent) == len(has):
        return rows, []
    return (rows[~rows["model"].isin(absent)],
            [f"{listed(absent)} reports no {quantity(law.y)} and is left out"])


def _require_rows(trials: pd.DataFrame, rows: pd.DataFrame, law: Law) -> None:
    if len(rows) and rows[law.x].nunique() >= 3:
        return
    raise TooFewRows(f"a law needs at least three values of {symbol(law.x)}; of "
                     f"{plural(len(trials), 'trial')}, {len(rows)} can be used, with "
                     f"{rows[law.x].nunique()} distinct (finished, declared, β = 1 "
                     "and within the range, unless `where` says otherwise)")


def mixed_fields(rows: pd.DataFrame, free: set[str]) -> dict[str, list[object]]:
    """The fields, other than `free`, in which rows differ, with their values."""
    fields = [*param_columns(rows), *(c for c in ("checksum", "epoch") if c in rows)]
    found = {name: list(rows[name].unique()) for name in fields if name not in free}
    return {name: values for name, values in found.items() if len(values) > 1}


def _mixed_message(different: Mapping[str, Sequence[object]], law: Law) -> str:
    said = "; ".join(f"{name} ({listed(values, 4)})" for name, values in different.items())
    name, values = next(iter(different.items()))
    return (f"rows of one law may differ in {symbol(law.x)} and seed only, but these differ in "
            f"{said}; choose with where, for example where={{{name!r}: {values[0]!r}}}")


def usable(rows: pd.DataFrame, y: str) -> None:
    """UnusableValues if a logarithm of column `y` would be nothing or noise."""
    values = rows[y].to_numpy(dtype=np.float64)
    names = rows["label"] if "label" in rows else pd.Series(rows.index, index=rows.index)
    for bad, fault, remedy in _faults(values, y):
        if bad.any():
            raise UnusableValues(f"{quantity(y)} is {fault} in {int(bad.sum())} of {len(rows)} "
                                 f"rows ({listed(names[bad], 3)}); {remedy}")


def _faults(values: np.ndarray, y: str) -> list[tuple[np.ndarray, str, str]]:
    faults = [(~np.isfinite(values), "missing or not finite",
               "leave those rows out with where, or train them again"),
              (values <= 0, "zero or negative",
               "a power law needs positive values: restrict the range")]
    if y.rpartition("/")[2] == "kl":
        faults.append((values < COLLAPSED, f"below {COLLAPSED:g} nats",
                       "there the posterior has collapsed and log KL is noise: restrict the "
                       "range"))
    return faults
