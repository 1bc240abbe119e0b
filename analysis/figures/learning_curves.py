"""Learning curves: KL and reconstruction error over the epochs, coloured by the noise level."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analysis.figures.drawing.families import SYMBOLS, families
from analysis.figures.drawing.figure import Figure
from analysis.figures.drawing.palette import DASHES, ramp
from analysis.figures.drawing.style import canvas, escape, set_log
from analysis.figures.drawing.view import NothingToDraw, View
from analysis.wording import plural

__all__ = ["FIGURE", "Curves", "draw", "info"]

PANELS = {"test/kl": "KL (nats/example)", "test/recon": "recon (data units²; α: data units)"}
MAX_LINES, MAX_STEPS = 48, 80


@dataclass(frozen=True)
class Curves:
    """table: columns family, scale (text), level, metric, epoch, mean, low, high, n."""

    table: pd.DataFrame
    caption: str


def info(view: View) -> Curves:
    """Mean and range over seeds of each metric, one curve a family and noise level."""
    groups = _groups(view.finished)
    if groups.empty:
        raise NothingToDraw("No finished trial has a noise level σ or α, so there are no learning "
                            "curves to draw.")
    history = view.experiment.history
    history = history[history["metric"].isin(PANELS) & history["trial"].isin(groups["trial"])]
    if history.empty:
        raise NothingToDraw("No history of KL or reconstruction error is stored.")
    joined = history.merge(groups, on="trial")
    kept, dropped = _thinned(joined)
    table = (kept.groupby(["family", "scale", "level", "metric", "step"], sort=True)["value"]
             .agg(mean="mean", low="min", high="max", n="count").reset_index()
             .rename(columns={"step": "epoch"}))
    caption = "<p>Mean over seeds on the test set, one line a setting; dark lines: low noise."
    caption += f" {dropped} settings are left out, evenly over the list." if dropped else ""
    return Curves(table, caption + "</p>")


def _groups(trials: pd.DataFrame) -> pd.DataFrame:
    """Trial → family, scale and level."""
    parts = [pd.DataFrame({"trial": family.rows["trial"], "family": family.label,
                           "scale": scale, "level": family.rows[scale]})
             for scale in ("sigma", "alpha") for family in families(trials, scale)]
    empty = pd.DataFrame({"trial": [], "family": [], "scale": [], "level": []})
    return pd.concat(parts, ignore_index=True) if parts else empty


def _thinned(joined: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """At most MAX_LINES settings and MAX_STEPS epochs; the number of settings left out."""
    settings = joined[["family", "level"]].drop_duplicates().sort_values(["family", "level"])
    if len(settings) > MAX_LINES:
        chosen = np.linspace(0, len(settings) - 1, MAX_LINES).round().astype(int)
        joined = joined.merge(settings.iloc[chosen], on=["family", "level"])
    steps = np.sort(joined["step"].unique())
    if len(steps) > MAX_STEPS:
        chosen = np.linspace(0, len(steps) - 1, MAX_STEPS).round().astype(int)
        joined = joined[joined["step"].isin(steps[np.unique(chosen)])]
    return joined, max(0, len(settings) - MAX_LINES)


def draw(data: Curves) -> go.Figure:
    """Two panels over a common epoch axis, both with a log axis."""
    figure = canvas(620)
    names = list(data.table["family"].unique())
    for panel, metric in enumerate(PANELS):
        part = data.table[data.table["metric"] == metric]
        for number, name in enumerate(names):
            _lines(figure, part[part["family"] == name], number, panel)
    _legend(figure, data, names)
    _axes(figure, data)
    return figure


def _lines(figure: go.Figure, part: pd.DataFrame, number: int, panel: int) -> None:
    levels = sorted(part["level"].unique())
    for colour, level in zip(ramp(max(len(levels), 1)), levels, strict=False):
        rows = part[part["level"] == level]
        scale = SYMBOLS[rows["scale"].iloc[0]]
        name = escape(rows["family"].iloc[0])
        hover = [f"<b>{name}</b>, {scale} = {level:g}<br>epoch {row.epoch}: {row.mean:.4g}<br>"
                 f"{plural(row.n, 'seed')}: {row.low:.4g} to {row.high:.4g}"
                 for row in rows.itertuples()]
        figure.add_trace(go.Scatter(
            x=rows["epoch"], y=rows["mean"], mode="lines", showlegend=False, text=hover,
            legendgroup=name, hovertemplate="%{text}<extra></extra>",
            yaxis="y" if panel == 0 else "y2",
            line={"color": colour, "width": 1.8, "dash": DASHES[number % len(DASHES)]}))


def _legend(figure: go.Figure, data: Curves, names: list[str]) -> None:
    for number, name in enumerate(names):
        part = data.table[data.table["family"] == name]
        scale = SYMBOLS[part["scale"].iloc[0]]
        levels = part["level"]
        figure.add_trace(go.Scatter(
            x=[None], y=[None], mode="lines", legendgroup=name,
            name=f"{escape(name)}: {scale} {levels.min():g} to {levels.max():g}",
            line={"color": ramp(1)[0], "width": 2, "dash": DASHES[number % len(DASHES)]}))


def _axes(figure: go.Figure, data: Curves) -> None:
    figure.update_layout(
        xaxis={"anchor": "y2", "title": {"text": "epoch"}},
        yaxis={"domain": [0.54, 1], "title": {"text": PANELS["test/kl"]}},
        yaxis2={"domain": [0, 0.46], "title": {"text": PANELS["test/recon"]}, "anchor": "x"})
    for metric, axis in zip(PANELS, ("yaxis", "yaxis2"), strict=True):
        values = data.table.loc[data.table["metric"] == metric, "mean"]
        if (values > 0).any():
            set_log(figure, axis, values)


FIGURE = Figure("learning_curves", "KL and reconstruction error over the epochs", "learning", 10,
                info, draw)
