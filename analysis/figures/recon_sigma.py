"""Reconstruction error E‖x − x̂(z)‖² against σ, with reverse water-filling beside it."""

from __future__ import annotations

import plotly.graph_objects as go

from analysis.figures.drawing.error_panel import ErrorPanel, draw_errors, error_info
from analysis.figures.drawing.figure import Figure
from analysis.figures.drawing.view import View

__all__ = ["FIGURE", "draw", "info"]

WORDS = ("recon (data units²/example)", "recon")


def info(view: View) -> ErrorPanel:
    """One point a finished trial; NothingToDraw without any."""
    return error_info(view, "sigma", "test/recon", WORDS)


def draw(data: ErrorPanel) -> go.Figure:
    """Log-log axes."""
    return draw_errors(data)


FIGURE = Figure("recon_sigma", "Reconstruction error against σ", "reconstruction", 10, info, draw)
