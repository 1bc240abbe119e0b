"""All trials as a table to sort and to search, each with its curves and its pictures."""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.figures.drawing.view import View
from analysis.report.part import Block, Part
from analysis.report.parts.gallery import shown_rows, side_by_side
from analysis.sources.png import encode
from analysis.sources.rows import in_order, varied
from analysis.sources.schema import FINISHED
from analysis.wording import quantity, symbol

__all__ = ["part"]

_METRICS = ("test/kl", "test/recon", "test/elbo", "test/denoise")
_CURVES = ("test/kl", "test/recon")
_UNASKED = ("label", "reason", "machine")  # long texts; that of the label is searched anyway
_ROWS, _DRAWN, _POINTS, _PICTURED, _SHOWN = 3000, 1000, 40, 60, 8

Column = Mapping[str, Any]


def part(view: View) -> Part:
    """The table; nothing without trials."""
    trials = view.experiment.trials
    if trials.empty:
        return Part(order=119)
    settings = varied(trials)
    columns = _columns(trials, settings)
    hidden, constant = _hidden(trials, columns)
    rows = list(_rows(view, columns, hidden))
    content = {
        "columns": columns,
        "hidden": hidden,
        "constant": constant,
        "rows": rows,
        "count": len(trials),
        "example": _example(columns, rows[0]["values"]),
    }
    block = Block("results", "trials.html", "", content, "trials", trials, order=110)
    return Part(order=119, blocks=[block])


def _columns(trials: pd.DataFrame, settings: Sequence[str]) -> list[Column]:
    """What varies between the trials, how each ended if not alike, and metrics on the test set.

    `name` is that of a filter, which may be the `title`, too: the heading.
    """
    metrics = [name for name in _METRICS if name in trials and trials[name].notna().any()]
    status = ["status"] * bool((trials["status"] != FINISHED).any())
    named = ["trial", *settings, *status, *metrics]
    return [_column(name) for name in named]


def _column(field: str) -> Column:
    name = field.removeprefix("test/")
    return {"field": field, "name": name, "title": symbol(name)}


def _hidden(trials: pd.DataFrame, columns: Sequence[Column]) -> tuple[list[Column], list[Column]]:
    """The fields that are filtered by and not shown: those that vary, and the others' `value`."""
    shown = {*_UNASKED, *(one["field"] for one in columns)}
    hidden: list[Column] = []
    constant: list[Column] = []
    for field in [str(name) for name in trials if name not in shown]:
        values = trials[field].map(str)
        if values.nunique() > 1:
            hidden.append(_column(field))
        else:
            constant.append({**_column(field), "value": _plain(trials[field].iloc[0])})
    return hidden, constant


def _example(columns: Sequence[Column], values: Sequence[Any]) -> str:
    """A filter by the first number that a trial has, or by its name."""
    for column, value in zip(columns, values, strict=True):
        if isinstance(value, float):
            return f"{column['name']}={value:g}"
    return f"{columns[0]['name']}={values[0]}"


def _rows(
    view: View, columns: Sequence[Column], hidden: Sequence[Column]
) -> Iterator[dict[str, Any]]:
    """The trials in the order of their settings."""
    trials = in_order(view.experiment.trials).head(_ROWS)
    curves, links = _curves(view, trials), view.links(trials)
    for place, (_, row) in enumerate(trials.iterrows()):
        trial = str(row["trial"])
        yield {
            "values": [_plain(row[one["field"]]) for one in columns],
            "hidden": [_plain(row[one["field"]]) for one in hidden],
            "label": str(row["label"]),
            "link": links[place],
            "run": "" if links[place] else _plain(row.get("run_id")) or "",
            "curves": curves.get(trial, {}),
            "pictures": _pictures(view, trial) if place < _PICTURED else [],
        }


def _curves(view: View, trials: pd.DataFrame) -> Mapping[str, dict[str, list[list[Any]]]]:
    """By trial and metric, the epochs and the values, thinned; nothing for very many trials."""
    if len(trials) > _DRAWN or view.experiment.history.empty:
        return {}
    history = view.experiment.history
    kept = history[history["metric"].isin(_CURVES)].sort_values("step", kind="stable")
    found: dict[str, dict[str, list[list[Any]]]] = {}
    for (trial, metric), rows in kept.groupby(["trial", "metric"], sort=False):
        at = np.unique(np.linspace(0, len(rows) - 1, _POINTS).round().astype(int))
        steps, values = (rows[name].to_numpy()[at].tolist() for name in ("step", "value"))
        found.setdefault(str(trial), {})[quantity(str(metric))] = [
            steps,
            [_plain(value) for value in values],
        ]
    return found


def _pictures(view: View, trial: str) -> list[dict[str, str]]:
    rows = shown_rows(view.experiment.galleries(trial))
    strips = {name: side_by_side(images[:_SHOWN], 1) for name, images in rows}
    return [
        {"name": name, "png": b64encode(encode(strip)).decode()} for name, strip in strips.items()
    ]


def _plain(value: Any) -> Any:
    """A number to six digits, text as it is, nothing for what is missing."""
    if isinstance(value, bool | np.bool_):
        return str(value)
    if isinstance(value, int | float | np.number):
        number = float(value)
        return float(f"{number:.6g}") if math.isfinite(number) else None
    return None if value is None else str(value)
