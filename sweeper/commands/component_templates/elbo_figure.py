"""A figure: the ELBO with its constant against the noise level σ."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from analysis.figures import Figure
from analysis.figures.drawing.view import NothingToDraw, View

METRIC = "test/elbo_full"


@dataclass(frozen=True)
class Points:
    """What is drawn: the numbers as a table, and the caption."""

    table: pd.DataFrame
    caption: str


def info(view: View) -> Points:
    """One row a finished trial; `NothingToDraw` says in a sentence what is missing."""
    rows = view.finished
    if not {"sigma", METRIC} <= set(rows.columns) or rows[METRIC].isna().all():
        raise NothingToDraw("No finished trial has a σ and an ELBO.")
    table = rows[["trial", "sigma", METRIC]].dropna()
    return Points(table, f"{len(table)} trials; the ELBO has its normalising constant.")


def draw(points: Points) -> go.Figure:
    """The table as a Plotly figure; axis titles carry units."""
    drawing = go.Figure(
        go.Scatter(x=points.table["sigma"], y=points.table[METRIC], mode="markers")
    )
    drawing.update_xaxes(type="log", title="σ (data units)")
    drawing.update_yaxes(title="ELBO (nats/example)")
    return drawing


# Its name, title, section of the report, and place in that section.
FIGURE = Figure("elbo_sigma", "ELBO against σ", "reconstruction", 200, info, draw)
