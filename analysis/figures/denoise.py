"""Denoising error E‖x − x̂(y)‖² against the model's own noise level, σ or α."""

from __future__ import annotations

from functools import partial

from analysis.figures.drawing.error_panel import ErrorPanel, draw, error_info
from analysis.figures.drawing.view import Figure, View, of_other_level

__all__ = ["IN_ALPHA", "IN_OTHER", "IN_SIGMA", "draw", "info"]

WORDS = ("denoising error (data units²/example)", "denoising error")


def info(view: View, x: str) -> ErrorPanel:
    """One point for each finished trial that has the noise level `x`."""
    return error_info(view, x, "test/denoise", WORDS)


IN_SIGMA = Figure(
    "denoise_sigma",
    "Denoising error against σ",
    "reconstruction",
    40,
    partial(info, x="sigma"),
    draw,
)
IN_ALPHA = Figure(
    "denoise_alpha",
    "Denoising error against α",
    "reconstruction",
    50,
    partial(info, x="alpha"),
    draw,
)
IN_OTHER = Figure(
    "denoise_noise",
    "Denoising error against the noise level",
    "reconstruction",
    55,
    of_other_level(info),
    draw,
)
