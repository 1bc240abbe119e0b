"""Parallel coordinates of an adaptive search: a line for each point, an axis for each field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analysis.figures.drawing import marks
from analysis.figures.drawing.labels import hover_template, label
from analysis.figures.drawing.palette import AXIS, RAMP
from analysis.figures.drawing.style import canvas
from analysis.figures.drawing.view import Figure, NothingToDraw, View
from analysis.figures.search import goals_of, points_of, searched, without_seed
from analysis.sources.schema import param_columns
from analysis.wording import number, quantity, symbol

__all__ = ["FIGURE", "Coordinates", "draw", "info"]

GROUPS = 5
ANCHORS = {0.0: "top", 1.0: "bottom"}  # beyond the lines
WIDE = 30.0  # the ratio of largest and smallest value from which on an axis is logarithmic


@dataclass(frozen=True)
class Coordinates:
    """The data of the figure.

    table: columns point, one for each field and the goal, group (0: the best fifth), hover.
    fields: the names of the axes, the goal last; at: each point's height on each axis, in [0, 1];
    ticks: the heights and texts of each axis.
    """

    table: pd.DataFrame
    caption: str
    fields: tuple[str, ...]
    at: Mapping[str, Sequence[float]]
    ticks: Mapping[str, Sequence[tuple[float, str]]]


def info(view: View) -> Coordinates:
    """The finished points of the newest search, with the fields in which they differ."""
    sweep = searched(view)
    goals = goals_of(sweep)
    goal, mode = next(iter(goals.items()))
    table = points_of(view, sweep, list(goals))
    if len(table) < 2:
        raise NothingToDraw("A search of one finished point has nothing to compare.")
    rows = view.finished.assign(point=view.finished["label"].map(without_seed))
    first = rows.drop_duplicates("point").set_index("point").reindex(table["point"])
    fields = [name for name in param_columns(first) if _varies(name, first[name])]
    if not fields:
        raise NothingToDraw("The points of the search differ in no field.")
    for name in fields:
        table[name] = first[name].to_numpy()
    rank = table[goal].rank(ascending=mode == "min", method="first") - 1
    table["group"] = (rank * GROUPS // len(table)).astype(int)
    axes = (*fields, goal)
    scaled = {name: _scaled(table[name]) for name in axes}
    return Coordinates(
        table[["point", *axes, "group", "hover"]],
        f"Each line is a point of the search, from field to field; the darker (in dark mode: the "
        f"bluer), the better its {quantity(goal)}. Axes go from the smallest to the "
        "largest value that was tried.",
        axes,
        {name: height for name, (height, _) in scaled.items()},
        {name: ticks for name, (_, ticks) in scaled.items()},
    )


def _varies(name: str, values: pd.Series) -> bool:
    return name not in ("seed", "point", "reason") and values.map(str).nunique() > 1


def _scaled(values: pd.Series) -> tuple[list[float], list[tuple[float, str]]]:
    """Heights in [0, 1], and the ticks: of numbers both ends, of names each."""
    if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        names = sorted(set(values.map(str)))
        place = {name: at / max(len(names) - 1, 1) for at, name in enumerate(names)}
        return [place[str(one)] for one in values], [(at, name) for name, at in place.items()]
    numbers = values.to_numpy(dtype=np.float64)
    low, high = float(np.nanmin(numbers)), float(np.nanmax(numbers))
    show = (lambda one: f"{one:.0f}") if np.all(numbers % 1 == 0) else number
    ends = [(0.0, show(low)), (1.0, show(high))] if high > low else [(0.5, show(low))]
    if low > 0 and high / low >= WIDE:
        numbers, low, high = np.log(numbers), float(np.log(low)), float(np.log(high))
    spread = high - low
    heights = (numbers - low) / spread if spread > 0 else np.full(len(numbers), 0.5)
    return heights.tolist(), ends


def draw(data: Coordinates) -> go.Figure:
    """A trace for each fifth of the points, the worst first, so that the best lie on top."""
    figure = canvas(430)
    for place in range(len(data.fields)):
        figure.add_trace(
            marks.line([place, place], [0, 1], "", 0, color=AXIS, width=1, showlegend=False)
        )
    for group in sorted(set(data.table["group"]), reverse=True):
        figure.add_trace(_lines(data, int(group)))
    for place, name in enumerate(data.fields):
        for at, text in data.ticks[name]:
            figure.add_annotation(
                x=place, y=at, text=label(text), showarrow=False, yanchor=ANCHORS.get(at, "middle")
            )
    titles = [quantity(one) if "/" in one else symbol(one) for one in data.fields]
    figure.update_xaxes(
        tickvals=list(range(len(titles))),
        ticktext=[label(title) for title in titles],
        range=[-0.5, len(titles) - 0.5],
        showgrid=False,
    )
    figure.update_yaxes(visible=False, range=[-0.12, 1.12], title_text="smallest to largest")
    return figure


def _lines(data: Coordinates, group: int) -> go.Scatter:
    """The lines of one fifth of the points, with a gap between two."""
    x: list[float | None] = []
    y: list[float | None] = []
    text: list[str] = []
    for row in np.flatnonzero(data.table["group"] == group).tolist():
        x += [*range(len(data.fields)), None]
        y += [*(data.at[name][row] for name in data.fields), None]
        text += [str(data.table["hover"].iloc[row])] * (len(data.fields) + 1)
    name = {0: "best fifth", GROUPS - 1: "worst fifth"}.get(group, f"fifth {group + 1}")
    colour = RAMP[round(group * (len(RAMP) - 1) / (GROUPS - 1))]
    return go.Scatter(
        x=x,
        y=y,
        mode="lines",
        name=name,
        text=text,
        hovertemplate=hover_template(),
        line={"color": colour, "width": 2 if group == 0 else 1.2},
    )


FIGURE = Figure("search_parallel", "Where the search looked", "search", 20, info, draw)
