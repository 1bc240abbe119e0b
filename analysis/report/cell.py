"""A figure as the output of a notebook's cell, which needs no network."""

from __future__ import annotations

import base64
import uuid

import plotly.graph_objects as go

from analysis.report.page import PLOTLY
from analysis.report.templating import environment, read

__all__ = ["figure_html"]


def figure_html(figure: go.Figure) -> str:
    """The figure as HTML with plotly.js in it, in its compressed form."""
    return (
        environment()
        .get_template("cell.html")
        .render(
            name=f"figure-{uuid.uuid4().hex}",
            figure=figure.to_json(),
            plotly=base64.b64encode(read(PLOTLY)).decode(),
        )
    )
