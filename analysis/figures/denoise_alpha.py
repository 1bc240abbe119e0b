"""Denoising error E‖x − x̂(y)‖² against the model's own α."""

from __future__ import annotations

import plotly.graph_objects as go

from analysis.figures.drawing.error_panel import ErrorPanel, draw_errors, error_info
from analysis.figures.drawing.figure import Figure
from analysis.figures.drawing.view import View

__all__ = ["FIGURE", "draw", "info"]

WORDS = ("denoising error (data units²/example)", "denoising error")


def info(view: View) -> ErrorPanel:
    """One point a finished trial; NothingToDraw without any."""
    return error_info(view, "alpha", "test/denoise", WORDS)


def draw(data: ErrorPanel) -> go.Figure:
    """Log-log axes."""
    return draw_errors(data)


FIGURE = Figure("denoise_alpha", "Denoising error against α", "reconstruction", 50, info, draw)
