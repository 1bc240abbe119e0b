"""Panels of one figure, one below the other, each with axes of its own."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from analysis.figures.drawing.style import set_log

__all__ = ["log_axes", "stack"]

_GAP = 0.27  # between two panels, as a share of a panel's height


def stack(
    figure: go.Figure, titles: Sequence[tuple[str, str]], gap: float = _GAP
) -> list[dict[str, str]]:
    """Lay out a panel for each pair of axis titles (x, y), the first on top.

    Returns, for each panel, what places a trace in it: ``trace.update(**place)``; the axes of
    panel number n are called as in Plotly, xaxis and yaxis, then xaxis2 and yaxis2.
    """
    height = 1 / (len(titles) * (1 + gap) - gap)
    places = []
    for number, (x, y) in enumerate(titles):
        axis = "" if number == 0 else str(number + 1)
        top = 1 - number * height * (1 + gap)
        figure.update_layout(
            {
                f"xaxis{axis}": {"anchor": f"y{axis}", "title": {"text": x}},
                f"yaxis{axis}": {
                    "anchor": f"x{axis}",
                    "title": {"text": y},
                    "domain": (max(top - height, 0.0), top),
                },
            }
        )
        places.append({"xaxis": f"x{axis}", "yaxis": f"y{axis}"})
    return places


def log_axes(figure: go.Figure, place: dict[str, str], rows: pd.DataFrame) -> None:
    """Logarithmic axes, with round ticks, around columns x and y of what a panel shows."""
    for axis in ("x", "y"):
        set_log(figure, f"{axis}axis{place[f'{axis}axis'][1:]}", rows[axis])
