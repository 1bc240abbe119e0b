"""The law of the Gaussian models: KL against σ, with the linear theory beside it."""

from __future__ import annotations

import plotly.graph_objects as go

from analysis.figures.drawing.figure import Figure
from analysis.figures.drawing.law_panel import LawPanel, draw_law, law_info
from analysis.figures.drawing.view import View

__all__ = ["FIGURE", "draw", "info"]


def info(view: View) -> LawPanel:
    """Points, fits and bands of KL(σ); NothingToDraw without finished trials."""
    return law_info(view, "sigma")


def draw(data: LawPanel) -> go.Figure:
    """Log-log axes: σ in data units, KL in nats an example."""
    return draw_law(data)


FIGURE = Figure("kl_sigma", "KL against σ", "laws", 10, info, draw)
