"""Collapse of all β onto one curve: KL against the effective noise level σ√β (α: αβ)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analysis.equivalence import CollapseVerdict, collapse
from analysis.errors import AnalysisError
from analysis.figures.drawing import marks
from analysis.figures.drawing.families import model_name
from analysis.figures.drawing.figure import Figure
from analysis.figures.drawing.style import canvas, escape, prose, set_log
from analysis.figures.drawing.view import NothingToDraw, View

__all__ = ["FIGURE", "Effective", "draw", "info"]

POWERS = {"sigma": 0.5, "alpha": 1.0}


@dataclass(frozen=True)
class Effective:
    """table: columns series, kind (measured or curve), x (σ√β or αβ), y (KL), beta, seed."""

    table: pd.DataFrame
    caption: str


def info(view: View) -> Effective:
    """Every finished trial of a model that was trained at more than one β."""
    trials = view.finished
    if not {"beta", "test/kl"} <= set(trials.columns):
        raise NothingToDraw("No finished trial has both β and KL.", relevant=False)
    trials = trials[(trials["test/kl"] > 0) & (trials["beta"] > 0)]
    parts = [_measured(view, rows, x) for x in POWERS if x in trials
             for _, rows in trials[trials[x].notna()].groupby("model")
             if rows["beta"].nunique() > 1]
    if not parts:
        raise NothingToDraw("All finished trials of a model have the same β, so there is no "
                            "collapse of β to test.", relevant=False)
    verdicts, said = _verdicts(view)
    parts += [_curve(one, parts) for one in verdicts if np.isfinite(one.curve).all()]
    text = "".join(f"<p>{prose(sentence)}</p>" for sentence in said)
    return Effective(pd.concat(parts, ignore_index=True), (
        f"{text}<p>Each point is one trial. If β acts through σ√β (αβ for Laplace models) alone, "
        "all points lie on one curve; the test allows the curve to bend.</p>"))


def _measured(view: View, rows: pd.DataFrame, x: str) -> pd.DataFrame:
    name = rows["model"].map(model_name) + rows["beta"].map(lambda value: f", β = {value:g}")
    hover = [f"<b>{escape(label)}</b><br>{x} = {noise:g}, seed {seed:g}<br>KL {kl:.4g} "
             "nats/example" for label, noise, seed, kl in
             zip(name, rows[x], rows["seed"], rows["test/kl"], strict=True)]
    return pd.DataFrame({"series": name, "kind": "measured",
                         "x": rows[x] * rows["beta"] ** POWERS[x], "y": rows["test/kl"],
                         "beta": rows["beta"], "seed": rows["seed"], "trial": rows["trial"],
                         "hover": hover, "link": view.links(rows)})


def _verdicts(view: View) -> tuple[list[CollapseVerdict], list[str]]:
    try:
        found = collapse(view.experiment.trials, view.margin)
    except AnalysisError as refusal:
        return [], [f"No test of the collapse: {refusal}."]
    return found, [one.sentence() for one in found]


def _curve(one: CollapseVerdict, parts: list[pd.DataFrame]) -> pd.DataFrame:
    x = pd.concat(parts)["x"]
    at = np.geomspace(x.min(), x.max(), 60)
    s = np.log(at)
    a, b, c = one.curve
    return pd.DataFrame({"series": "bent curve of the test", "kind": "curve", "x": at,
                         "y": np.exp(a + b * s + c * s**2)})


def draw(data: Effective) -> go.Figure:
    """Log-log axes; one colour and marker a β."""
    figure = canvas(430)
    for _, part in data.table[data.table["kind"] == "curve"].groupby("series"):
        figure.add_trace(marks.line(part["x"], part["y"], str(part["series"].iloc[0]), 6,
                                    dash="solid", width=1.4))
    measured = data.table[data.table["kind"] == "measured"]
    for index, (name, part) in enumerate(measured.groupby("series", sort=True)):
        figure.add_trace(marks.points(part, str(name), index))
    set_log(figure, "xaxis", measured["x"])
    set_log(figure, "yaxis", measured["y"])
    figure.update_xaxes(title_text="effective noise level σ√β or αβ (data units)")
    figure.update_yaxes(title_text="KL (nats/example)")
    return figure


FIGURE = Figure("alias_collapse", "One curve for every β", "equivalence", 30, info, draw)
