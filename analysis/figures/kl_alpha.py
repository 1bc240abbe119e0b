"""The law of the Laplace models: KL against α."""

from __future__ import annotations

import plotly.graph_objects as go

from analysis.figures.drawing.figure import Figure
from analysis.figures.drawing.law_panel import LawPanel, draw_law, law_info
from analysis.figures.drawing.view import View

__all__ = ["FIGURE", "draw", "info"]


def info(view: View) -> LawPanel:
    """Points, fits and bands of KL(α); NothingToDraw without finished trials."""
    return law_info(view, "alpha")


def draw(data: LawPanel) -> go.Figure:
    """Log-log axes: α in data units, KL in nats an example."""
    return draw_law(data)


FIGURE = Figure("kl_alpha", "KL against α", "laws", 20, info, draw)
