"""Build the trials and history frames from the rows that a source reads for each trial."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from analysis.sources.schema import HISTORY, RESERVED, metric_name

__all__ = ["TrialRow", "history_frame", "ordered_history", "param_value", "plain", "trials_frame"]

NUMBERS = ("epoch", "wall_s", "parameters", "beta_exponent")
Record = Mapping[str, Any]


@dataclass(frozen=True)
class TrialRow:
    """One trial: `facts` by the names of `RESERVED`, parameters, and final metrics."""

    facts: Mapping[str, Any]
    params: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, float | None] = field(default_factory=dict)


def param_value(value: Any) -> Any:
    """A parameter for the frame: scalars unchanged, lists and mappings as canonical JSON."""
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, sort_keys=True)
    return value


def trials_frame(rows: Sequence[TrialRow]) -> pd.DataFrame:
    """One row per trial, ordered by id; columns: reserved ones, then parameters, then metrics."""
    params = sorted({name for row in rows for name in row.params})
    metrics = sorted({name for row in rows for name in row.metrics})
    columns: dict[str, Any] = {name: [row.facts.get(name) for row in rows] for name in RESERVED}
    for name in params:
        column = name if name not in RESERVED else f"param_{name}"
        columns[column] = _column([param_value(row.params.get(name)) for row in rows])
    for name in metrics:
        columns[metric_name(name)] = np.array(
            [row.metrics.get(name) for row in rows], dtype=np.float64
        )
    return _typed(pd.DataFrame(columns)).sort_values("trial", ignore_index=True)


def _column(values: list[Any]) -> Any:
    """A float array if all are numbers (None is NaN); otherwise the values themselves."""
    if all(v is None or (isinstance(v, int | float) and not isinstance(v, bool)) for v in values):
        whole = all(isinstance(v, int) for v in values)
        return np.array(values, dtype=np.int64 if whole else np.float64)
    return values


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    for name in NUMBERS:
        frame[name] = frame[name].astype("float64")
    return plain(frame)


def plain(trials: pd.DataFrame) -> pd.DataFrame:
    """The frame with text columns as Python objects and None for missing text."""
    for name in trials.columns:
        if name not in NUMBERS and not pd.api.types.is_numeric_dtype(trials[name]):
            column = trials[name].astype(object)
            trials[name] = column.where(column.notna(), None)
    return trials


def history_frame(
    records: Iterable[tuple[str, Sequence[Record]]], seeds: Mapping[str, Any]
) -> pd.DataFrame:
    """Long frame of every recorded value, ordered by trial, metric and step.

    records: (trial id, its records {"epoch", "time_ms", "metrics": {name: value or None}}).
    """
    trial: list[str] = []
    metric: list[str] = []
    step: list[int] = []
    time_ms: list[int] = []
    value: list[float | None] = []
    for name, lines in records:
        for line in lines:
            found = line["metrics"]
            trial += [name] * len(found)
            metric += found
            step += [line["epoch"]] * len(found)
            time_ms += [line.get("time_ms", 0)] * len(found)
            value += found.values()
    frame = pd.DataFrame(
        {
            "trial": trial,
            "metric": metric,
            "step": np.array(step, dtype=np.int64),
            "time_ms": np.array(time_ms, dtype=np.int64),
            "value": np.array(value, dtype=np.float64),
        }
    )
    return ordered_history(frame, seeds)


def ordered_history(frame: pd.DataFrame, seeds: Mapping[str, Any]) -> pd.DataFrame:
    """`frame` with the column `seed`, in the order and with the columns of `HISTORY`.

    Seeds are whole numbers, unless a trial has none.
    """
    seed = frame["trial"].map(dict(seeds)).astype("float64")
    frame = frame.assign(seed=seed.astype("int64" if seed.notna().all() else "float64"))
    frame = frame.sort_values(["trial", "metric", "step"], kind="stable", ignore_index=True)
    return frame[list(HISTORY)]
