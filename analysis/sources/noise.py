"""Which parameter is the noise level of a model, and how the weight β of the KL acts on it.

Trials say both, in the columns `noise` and `beta_exponent`: with the exponent e, a noise level s
and β learn what s·β^e and β = 1 learn; it is missing where no theorem says so. Rows that name no
noise level (trials of earlier versions, tables from elsewhere) are read by the names of Saremi
2020 (arXiv:2005.09047): sigma or alpha is the noise level, and Theorems 1 and 2 are about the
σ-VAE and the α-VAE, or about all rows where no model is named.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["PAPERS", "beta_exponents", "noise_levels", "noise_of", "with_noise"]

PAPERS: Mapping[str, tuple[str, float]] = {
    "sigma": ("sigma_vae", 0.5),
    "alpha": ("alpha_vae", 1.0),
}


def noise_of(trials: pd.DataFrame) -> pd.Series[Any]:
    """The name of each row's noise level; None where it has none."""
    found = _said(trials)
    for name in PAPERS:
        if name in trials:
            found = found.mask(found.isna() & trials[name].notna(), name)
    return found.where(found.notna(), None)


def noise_levels(trials: pd.DataFrame) -> list[str]:
    """The parameters that are noise levels here: those of the papers first."""
    found = set(noise_of(trials).dropna()) & set(trials.columns)
    return [*(name for name in PAPERS if name in found), *sorted(found - set(PAPERS))]


def with_noise(trials: pd.DataFrame, name: str) -> pd.DataFrame:
    """The rows whose noise level is the parameter `name`."""
    return (
        trials[noise_of(trials).eq(name) & trials[name].notna()] if name in trials else trials[:0]
    )


def beta_exponents(trials: pd.DataFrame) -> pd.Series[float]:
    """e of each row, by which β acts on the noise level; NaN where no theorem says so."""
    noise, unsaid = noise_of(trials), _said(trials).isna()
    found = pd.Series(np.nan, index=trials.index)
    if "beta_exponent" in trials:
        found = trials["beta_exponent"].astype("float64")
    for name, (model, exponent) in PAPERS.items():
        known = unsaid & noise.eq(name)
        known &= trials["model"].eq(model) if "model" in trials else True
        found = found.mask(known & found.isna(), exponent)
    return found


def _said(trials: pd.DataFrame) -> pd.Series[Any]:
    if "noise" in trials and not pd.api.types.is_numeric_dtype(trials["noise"]):
        return trials["noise"].astype(object)
    return pd.Series(None, index=trials.index, dtype=object)
