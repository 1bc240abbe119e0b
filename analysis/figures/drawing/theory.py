"""The linear theory's curves over the noise levels of the trials, if their spectrum is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analysis.errors import AnalysisError
from analysis.figures.drawing import marks
from analysis.figures.drawing.palette import MUTED
from analysis.figures.drawing.view import View
from analysis.laws.linear_theory import Collapse, collapse, curve
from analysis.sources.schema import Spectrum
from analysis.wording import setting

__all__ = ["effective", "theory_curve", "theory_lines", "where_linear_collapses"]

_NAME = "linear theory (pPCA)"
_DASHES = ("dot", "dash", "dashdot", "longdash", "longdashdot")
_POINTS = 80


def theory_curve(view: View, rows: pd.DataFrame, x: str) -> pd.DataFrame | None:
    """The theory's KL and recon at β = 1 over the σ of the rows, for each of their d_z.

    Columns series (with d_z where it varies), kind, x (σ), kl, recon. None for α, for an unknown
    spectrum, and with fewer than two σ among the σ-VAEs.
    """
    rows = _sigma_vaes(rows)
    spectrum = view.spectrum(rows) if len(rows) else None
    if x != "sigma" or spectrum is None or rows[x].nunique() < 2:
        return None
    at = np.geomspace(rows[x].min(), rows[x].max(), _POINTS)
    known = "d_z" in rows and rows["d_z"].notna().any()
    sizes = sorted(map(int, rows["d_z"].dropna().unique())) if known else [None]
    try:
        return pd.concat([_of_size(spectrum, at, d_z, len(sizes) > 1) for d_z in sizes])
    except AnalysisError:
        return None


def _of_size(spectrum: Spectrum, at: np.ndarray, d_z: int | None, named: bool) -> pd.DataFrame:
    """One curve; `named`: by its d_z."""
    found = curve(spectrum, at, d_z)
    name = f"{_NAME}, {setting('d_z', d_z)}" if named else _NAME
    return pd.DataFrame(
        {"series": name, "kind": "linear theory", "x": at, **found[["kl", "recon"]]}
    )


def theory_lines(table: pd.DataFrame) -> list[go.Scatter]:
    """A broken line for each series of the rows of kind linear theory; none without them."""
    rows = table[table["kind"] == "linear theory"]
    return [
        marks.line(
            part["x"],
            part["y"],
            str(name),
            0,
            color=MUTED,
            dash=_DASHES[index % len(_DASHES)],
            width=1.8,
        )
        for index, (name, part) in enumerate(rows.groupby("series", sort=False))
    ]


def where_linear_collapses(view: View, rows: pd.DataFrame) -> Collapse | None:
    """The σ above which a linear model's posterior collapses, with the KL measured there.

    The KL is the mean over the trials of a σ. None if the spectrum is unknown, or without σ-VAEs.
    """
    rows = _sigma_vaes(rows)
    spectrum = view.spectrum(rows) if len(rows) else None
    if spectrum is None:
        return None
    noises = effective(rows).map(lambda value: float(f"{value:.12g}"))
    kls = dict(rows["test/kl"].groupby(noises).mean()) if "test/kl" in rows else {}
    name = "σ√β" if "beta" in rows and rows["beta"].dropna().ne(1).any() else "σ"
    try:
        return collapse(spectrum, sorted(set(noises)), _latents(rows), name, kls)
    except AnalysisError:
        return None


def effective(rows: pd.DataFrame) -> pd.Series:
    """σ√β of each row, which is σ in the theory."""
    beta = rows["beta"].fillna(1.0) if "beta" in rows else 1.0
    found: pd.Series = rows["sigma"] * beta**0.5
    return found


def _sigma_vaes(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows that the theory describes; other models have another bound or no posterior."""
    if "sigma" not in rows:
        return rows.iloc[:0]
    known = rows["sigma"].notna()
    return rows[known & (rows["model"] == "sigma_vae") if "model" in rows else known]


def _latents(rows: pd.DataFrame) -> int | None:
    """The largest latent dimension of the rows, whose posterior collapses at the largest σ."""
    if "d_z" not in rows or rows["d_z"].isna().all():
        return None
    return int(rows["d_z"].max())
