"""Reconstruction error against the noise level: ‖x − x̂‖² in σ, ‖x − x̂‖₁ of Laplace models in α."""

from __future__ import annotations

from functools import partial

from analysis.figures.drawing.error_panel import ErrorPanel, draw, error_info
from analysis.figures.drawing.view import Figure, View, of_other_level

__all__ = ["IN_ALPHA", "IN_OTHER", "IN_SIGMA", "draw", "info"]

WORDS = {
    "sigma": ("recon (data units²/example)", "recon"),
    "alpha": ("recon, L1 (data units/example)", "recon (L1)"),
}
OTHER = ("recon (as the likelihood measures it)", "recon")


def info(view: View, x: str) -> ErrorPanel:
    """One point for each finished trial that has the noise level `x`."""
    return error_info(view, x, "test/recon", WORDS.get(x, OTHER))


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
IN_OTHER = Figure(
    "recon_noise",
    "Reconstruction error against the noise level",
    "reconstruction",
    25,
    of_other_level(info),
    draw,
)
