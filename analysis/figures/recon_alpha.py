"""Reconstruction error E‖x − x̂(z)‖₁ of the Laplace models against α."""

from __future__ import annotations

import plotly.graph_objects as go

from analysis.figures.drawing.error_panel import ErrorPanel, draw_errors, error_info
from analysis.figures.drawing.figure import Figure
from analysis.figures.drawing.view import View

__all__ = ["FIGURE", "draw", "info"]

WORDS = ("recon, L1 (data units/example)", "recon (L1)")


def info(view: View) -> ErrorPanel:
    """One point a finished trial; NothingToDraw without any."""
    return error_info(view, "alpha", "test/recon", WORDS)


def draw(data: ErrorPanel) -> go.Figure:
    """Log-log axes."""
    return draw_errors(data)


FIGURE = Figure("recon_alpha", "Reconstruction error against α", "reconstruction", 20, info, draw)
