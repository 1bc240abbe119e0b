"""The traces of figures: points that link to runs, lines, and bands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from analysis.figures.drawing.labels import hover_template, label
from analysis.figures.drawing.palette import DASHES, MARKERS, PAPER, SERIES, veil

__all__ = ["LIMIT", "colour", "line", "marker", "points", "ribbon"]

LIMIT = len(SERIES)
Numbers = Sequence[float] | pd.Series | pd.Index


def colour(index: int) -> str:
    """The colour of the series `index`."""
    return SERIES[index % len(SERIES)]


def marker(index: int, size: int = 9) -> dict[str, Any]:
    """Plotly's marker settings of the series `index`."""
    return {
        "color": colour(index),
        "symbol": MARKERS[index % len(MARKERS)],
        "size": size,
        "line": {"width": 1, "color": PAPER},
    }


def points(frame: pd.DataFrame, name: str, index: int, size: int = 8) -> go.Scatter:
    """Markers at columns x and y; hover shows column `hover`, a click opens column `link`."""
    links = frame["link"] if "link" in frame else [""] * len(frame)
    return go.Scatter(
        x=frame["x"],
        y=frame["y"],
        mode="markers",
        name=label(name),
        legendgroup=name,
        text=frame["hover"],
        customdata=list(links),
        hovertemplate=hover_template(),
        marker=marker(index, size) | {"opacity": 0.85},
    )


def line(x: Numbers, y: Numbers, name: str, index: int, **look: str | float | bool) -> go.Scatter:
    """A line; `look` sets colour, dash, width and showlegend."""
    return go.Scatter(
        x=x,
        y=y,
        mode="lines",
        name=label(name),
        showlegend=bool(look.get("showlegend", True)),
        hoverinfo="skip",
        line={
            "color": look.get("color", colour(index)),
            "width": look.get("width", 2),
            "dash": look.get("dash", DASHES[index % len(DASHES)]),
        },
    )


def ribbon(x: Numbers, low: Numbers, high: Numbers, index: int) -> go.Scatter:
    """A band between `low` and `high`, without a legend entry."""
    return go.Scatter(
        x=[*x, *reversed(list(x))],
        y=[*high, *reversed(list(low))],
        mode="lines",
        fill="toself",
        fillcolor=veil(colour(index)),
        line={"width": 0, "color": colour(index)},
        hoverinfo="skip",
        showlegend=False,
    )
