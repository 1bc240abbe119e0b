"""Learning curves: KL and reconstruction error over the epochs, coloured by the noise level."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analysis.figures.drawing.curves import (
    SETTING,
    by_family,
    legend,
    level_colours,
    over_seeds,
    setting_line,
    trial_settings,
)
from analysis.figures.drawing.style import canvas, set_log
from analysis.figures.drawing.view import Figure, NothingToDraw, View
from analysis.wording import plural

__all__ = ["FIGURE", "Curves", "draw", "info"]

PANELS = {"test/kl": "KL (nats/example)", "test/recon": "recon (data units²; α: data units)"}
MAX_LINES, MAX_STEPS = 48, 80


@dataclass(frozen=True)
class Curves:
    """table: columns family, scale, level, metric, epoch, mean, low, high, n."""

    table: pd.DataFrame
    caption: str


def info(view: View) -> Curves:
    """Mean and range over seeds of each metric, by epoch, family and noise level.

    A setting of which no trial has finished is drawn as far as its trials are.
    """
    history = view.experiment.history
    if history.empty:
        raise NothingToDraw("No history of the trials is stored.")
    history = history[history["metric"].isin(PANELS)]
    groups, running = _settings(view, history)
    history = history[history["trial"].isin(groups["trial"])]
    if history.empty:
        raise NothingToDraw("No history of KL or reconstruction error is stored.")
    kept, dropped = _thinned(history.merge(groups, on="trial"))
    table = over_seeds(kept, [*SETTING, "metric", "step"]).rename(columns={"step": "epoch"})
    caption = "Test set; means over seeds."
    caption += f" Of {plural(running, 'setting')} no trial has finished yet." if running else ""
    caption += f" {dropped} settings are left out, evenly over the list." if dropped else ""
    return Curves(table, caption)


def _settings(view: View, history: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """The trials to draw with their settings, and of how many settings none has finished."""
    done, running = view.finished, view.in_training
    running = running[running["trial"].isin(history["trial"])] if len(running) else running
    if running.empty:
        return trial_settings(view), 0
    trials = view.experiment.trials
    known = {*done["trial"], *running["trial"]}
    groups = trial_settings(view, trials[trials["trial"].isin(known)])
    ended = groups["trial"].isin(done["trial"])
    settled = groups.assign(ended=ended).groupby(SETTING, dropna=False)["ended"].transform("any")
    new = groups.loc[~settled, SETTING].drop_duplicates()
    return groups[ended | ~settled], len(new)


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
    for _, dash, family in by_family(data.table):
        for panel, metric in zip(("y", "y2"), PANELS, strict=True):
            for colour, rows in level_colours(family[family["metric"] == metric], data.table):
                line = setting_line(rows, "epoch", colour, dash, ("epoch", ".4g"))
                figure.add_trace(line.update(yaxis=panel, mode="lines"))
    figure.add_traces(list(legend(data.table)))
    _axes(figure, data)
    return figure


def _axes(figure: go.Figure, data: Curves) -> None:
    figure.update_layout(
        xaxis={"anchor": "y2", "title": {"text": "epoch"}},
        yaxis={"domain": [0.54, 1], "title": {"text": PANELS["test/kl"]}},
        yaxis2={"domain": [0, 0.46], "title": {"text": PANELS["test/recon"]}, "anchor": "x"},
    )
    for metric, axis in zip(PANELS, ("yaxis", "yaxis2"), strict=True):
        values = data.table.loc[data.table["metric"] == metric, "mean"]
        if (values > 0).any():
            set_log(figure, axis, values)


FIGURE = Figure(
    "learning_curves", "KL and reconstruction error over the epochs", "learning", 10, info, draw
)
