"""Robustness: denoising error and accuracy on noisy data, against the level of the noise."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from analysis.figures.drawing import marks
from analysis.figures.drawing.families import families
from analysis.figures.drawing.figure import Figure
from analysis.figures.drawing.palette import DASHES, MARKERS, PAPER
from analysis.figures.drawing.style import canvas, escape
from analysis.figures.drawing.view import NothingToDraw, View

__all__ = ["FIGURE", "Robustness", "draw", "info"]

LEVELS = ("level", "noise_level")
MEASURES = {"denoise": "denoising error (data units²/example)",
            "loss": "denoising error (data units²/example)",
            "accuracy": "accuracy of the reference classifier (share)"}
KINDS = ("corruption", "noise", "kind")
_LINES = 14


@dataclass(frozen=True)
class Robustness:
    """table: columns series, noise, level, measure, mean, low, high, n."""

    table: pd.DataFrame
    caption: str


def info(view: View) -> Robustness:
    """Mean and range over seeds of what the stored evaluations measured at each noise level."""
    found = [frame for frame in map(_long, view.experiment.evaluations.values())
             if frame is not None]
    if not found:
        raise NothingToDraw("No robustness evaluation is stored with these trials.",
                            relevant=False)
    joined = pd.concat(found, ignore_index=True).merge(_names(view.finished), on="trial")
    if joined.empty:
        raise NothingToDraw("The stored robustness evaluations belong to no finished trial.")
    names = list(joined["series"].unique())
    joined = joined[joined["series"].isin(names[:_LINES])]
    table = (joined.groupby(["measure", "noise", "series", "level"], sort=False)["value"]
             .agg(mean="mean", low="min", high="max", n="count").reset_index())
    caption = "<p>Mean over seeds at each level of the added noise."
    if len(names) > _LINES:
        caption += f" The first {_LINES} of {len(names)} settings are drawn."
    return Robustness(table, f"{caption}</p>")


def _long(frame: pd.DataFrame) -> pd.DataFrame | None:
    """One row a trial, noise, level and measure; None if the table has no noise levels."""
    level = next((name for name in LEVELS if name in frame), None)
    measures = [name for name in MEASURES if name in frame]
    if level is None or not measures:
        return None
    kind = next((name for name in KINDS if name in frame), None)
    base = pd.DataFrame({"trial": frame["trial"], "level": frame[level],
                         "noise": frame[kind] if kind else "noise"})
    return pd.concat([base.assign(measure=name, value=frame[name]) for name in measures])


def _names(trials: pd.DataFrame) -> pd.DataFrame:
    """Trial → model and its settings, one name for all seeds."""
    parts = [pd.DataFrame({"trial": family.rows["trial"], "series": family.label})
             for family in families(trials, "seed")]
    return pd.concat(parts) if parts else pd.DataFrame({"trial": [], "series": []})


def draw(data: Robustness) -> go.Figure:
    """One panel for each measure and kind of noise, one line a setting."""
    panels = list(data.table.groupby(["measure", "noise"], sort=False))
    names = list(data.table["series"].unique())
    figure = canvas(90 + 300 * len(panels))
    step = 1 / len(panels)
    for number, ((measure, noise), part) in enumerate(panels, start=1):
        axis = "" if number == 1 else str(number)
        top = 1 - (number - 1) * step
        figure.update_layout({
            f"xaxis{axis}": {"anchor": f"y{axis}", "title": {
                "text": f"{escape(noise)} level (data units or probability)"}},
            f"yaxis{axis}": {"anchor": f"x{axis}", "domain": [top - 0.76 * step, top],
                             "title": {"text": MEASURES[str(measure)]}}})
        for name, rows in part.groupby("series", sort=False):
            figure.add_trace(_line(rows, str(name), names.index(name)).update(
                xaxis=f"x{axis}", yaxis=f"y{axis}", showlegend=number == 1))
    return figure


def _line(rows: pd.DataFrame, name: str, index: int) -> go.Scatter:
    hover = [f"<b>{escape(name)}</b><br>level {row.level:g}: {row.mean:.4g}<br>{row.low:.4g} to "
             f"{row.high:.4g}, n = {row.n}" for row in rows.itertuples()]
    return go.Scatter(
        x=rows["level"], y=rows["mean"], mode="lines+markers", name=escape(name), legendgroup=name,
        text=hover, hovertemplate="%{text}<extra></extra>",
        line={"color": marks.colour(index), "width": 1.8,
              "dash": DASHES[index // marks.LIMIT]},
        marker={"color": marks.colour(index), "symbol": MARKERS[index % len(MARKERS)], "size": 7,
                "line": {"width": 1, "color": PAPER}})


FIGURE = Figure("robustness", "Robustness to noise", "robustness", 10, info, draw)
