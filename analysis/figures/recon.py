"""Reconstruction error against the noise level: ‖x − x̂‖² in σ, ‖x − x̂‖₁ of Laplace models in α."""

from __future__ import annotations

from functools import partial

from analysis.figures.drawing.error_panel import ErrorPanel, draw, error_info
from analysis.figures.drawing.view import Figure, View

__all__ = ["IN_ALPHA", "IN_SIGMA", "draw", "info"]

WORDS = {
    "sigma": ("recon (data units²/example)", "recon"),
    "alpha": ("recon, L1 (data units/example)", "recon (L1)"),
}


def info(view: View, x: str) -> ErrorPanel:
    """One point for each finished trial that has the noise level `x` (sigma or alpha)."""
    return error_info(view, x, "test/recon", WORDS[x])


IN_SIGMA = Figure(
    "recon_sigma",
    "Reconstruction error against σ",
    "reconstruction",
    10,
    partial(info, x="sigma"),
    draw,
)
IN_ALPHA = Figure(
    "recon_alpha",
    "Reconstruction error against α",
    "reconstruction",
    20,
    partial(info, x="alpha"),
    draw,
)
