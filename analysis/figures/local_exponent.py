"""The local exponent −d log KL / d log x: flat for a power law, sloping for a law that bends."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from analysis.figures.drawing import marks
from analysis.figures.drawing.families import SYMBOLS
from analysis.figures.drawing.figure import Figure
from analysis.figures.drawing.palette import MARKERS, PAPER
from analysis.figures.drawing.style import canvas, escape, set_log
from analysis.figures.drawing.view import NothingToDraw, View

__all__ = ["FIGURE", "Exponents", "draw", "info"]


@dataclass(frozen=True)
class Exponents:
    """table: columns series, x, nu, low, high (local exponent with its interval), fitted."""

    table: pd.DataFrame
    caption: str


def info(view: View) -> Exponents:
    """The slopes between neighbouring values of x, of every law that could be fitted."""
    laws = [(claim, claim.law) for claim in view.claims if claim.law and claim.law.local]
    if not laws:
        raise NothingToDraw("Without a fitted law there is no local exponent to draw.",
                            relevant=False)
    parts = [pd.DataFrame([{"series": f"{claim.family.label} (in {SYMBOLS.get(claim.x, claim.x)})",
                            "x": one.x, "nu": one.nu, "low": one.low, "high": one.high,
                            "fitted": law.nu, "hue": view.hue(claim.family.label)}
                           for one in law.local])
             for claim, law in laws[:marks.LIMIT]]
    return Exponents(pd.concat(parts, ignore_index=True), (
        "<p>A power law is a horizontal line. Points: exponent between neighbouring scales with "
        "its 95 % interval over seeds where there are two or more; thin lines: the fitted "
        "ν.</p>"))


def draw(data: Exponents) -> go.Figure:
    """A log axis of the noise level, and the exponent on a linear one."""
    figure = canvas(380)
    for name, part in data.table.groupby("series", sort=False):
        index = int(part["hue"].iloc[0])
        figure.add_trace(marks.line(part["x"], part["fitted"], str(name), index, width=1.2,
                                    showlegend=False))
        figure.add_trace(_points(part, str(name), index))
    set_log(figure, "xaxis", data.table["x"])
    figure.update_xaxes(title_text="noise level σ or α (data units)")
    figure.update_yaxes(title_text="local exponent ν(x), no unit", nticks=6)
    figure.update_yaxes(range=_window(data.table))
    return figure


def _points(part: pd.DataFrame, name: str, index: int) -> go.Scatter:
    hover = [f"<b>{escape(name)}</b><br>at {row.x:.3g}: ν = {row.nu:.3f}<br>"
             f"{row.low:.3f} to {row.high:.3f}"
             for row in part.itertuples()]
    bars = {"array": part["high"] - part["nu"], "arrayminus": part["nu"] - part["low"],
            "thickness": 1.4, "width": 0, "color": marks.colour(index)}
    return go.Scatter(
        x=part["x"], y=part["nu"], mode="markers", name=escape(name), text=hover, error_y=bars,
        hovertemplate="%{text}<extra></extra>",
        marker={"color": marks.colour(index), "symbol": MARKERS[index % len(MARKERS)], "size": 9,
                "line": {"width": 1, "color": PAPER}})


def _window(table: pd.DataFrame) -> list[float]:
    """All points, and their intervals up to a range that keeps the points readable."""
    low, high = table["nu"].min(), table["nu"].max()
    room = 0.75 * max(high - low, 0.2)
    return [max(table["low"].min(), low - room) if table["low"].notna().any() else low - room,
            min(table["high"].max(), high + room) if table["high"].notna().any() else high + room]


FIGURE = Figure("local_exponent", "Local exponent", "laws", 30, info, draw)
