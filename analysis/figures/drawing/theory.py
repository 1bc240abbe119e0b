"""The linear theory's curve over the noise levels of the trials, if their spectrum is known."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.errors import AnalysisError
from analysis.figures.drawing.view import View
from analysis.linear_theory import collapse, curve

__all__ = ["collapse_sentence", "theory_curve"]

_POINTS = 80


def theory_curve(view: View, rows: pd.DataFrame, x: str) -> pd.DataFrame | None:
    """Columns kind, x (σ), kl and recon, at β = 1; None for α and for an unknown spectrum."""
    spectrum = view.spectrum(rows) if len(rows) else None
    if x != "sigma" or spectrum is None:
        return None
    at = np.geomspace(rows[x].min(), rows[x].max(), _POINTS)
    try:
        found = curve(spectrum, at, _latents(rows))
    except AnalysisError:
        return None
    return pd.DataFrame({"kind": "linear theory", "x": found["sigma"], "kl": found["kl"],
                         "recon": found["recon"]})


def collapse_sentence(view: View, rows: pd.DataFrame) -> str | None:
    """Where the posterior must collapse, and whether any σ of these rows lies there."""
    spectrum = view.spectrum(rows) if len(rows) and "sigma" in rows else None
    if spectrum is None:
        return None
    sigmas = sorted(float(value) for value in rows["sigma"].dropna().unique())
    try:
        return collapse(spectrum, sigmas, _latents(rows)).sentence()
    except AnalysisError:
        return None


def _latents(rows: pd.DataFrame) -> int | None:
    """The largest latent dimension of the rows: the theory's curve is the widest model's."""
    if "d_z" not in rows or rows["d_z"].isna().all():
        return None
    return int(rows["d_z"].max())
