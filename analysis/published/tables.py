"""The values of the published tables, and the laws and ratios computed from them."""

from __future__ import annotations

from dataclasses import replace
from importlib import resources

import numpy as np
import pandas as pd

from analysis.errors import AnalysisError
from analysis.laws.law import Law
from analysis.laws.powerlaw import PowerLaw, fit_xy
from analysis.published.catalogue import about
from analysis.sources.schema import Spectrum

__all__ = ["law", "mnist_spectrum", "ratio", "table"]

CURVES = ("s1_table1", "s1_table2", "s1_table3")


def table(name: str) -> pd.DataFrame:
    """The values of a table, one row each; `about(name)` has its units and settings."""
    entry = about(name)
    path = resources.files("analysis.published") / f"{entry.name}.csv"
    with path.open(encoding="utf-8") as file:
        return pd.read_csv(file)


def law(name: str) -> PowerLaw:
    """The power law of a published curve: one value at each x, no seeds.

    Errors: AnalysisError for a table that is not one curve with positive values.
    """
    entry = about(name)
    if name not in CURVES or entry.x is None or entry.y is None or entry.metric is None:
        raise AnalysisError(
            f"{name} ({entry.title}) is not a power law; laws can be fitted to {', '.join(CURVES)}"
        )
    values = table(name)
    fitted = fit_xy(values[entry.x], values[entry.y], Law(entry.x, entry.metric))
    return replace(fitted, published=True)


def ratio(name: str) -> pd.Series[float]:
    """KL/ELBO by σ (s1_table1, with the recon of Table 2) or by α (s1_table4).

    The ELBO is −recon/2σ² − KL, without its normalising constant, as in the paper: −0.481 ±
    0.045 (population standard deviation over σ) and −0.368.
    """
    if name == "s1_table4":
        values = table(name).set_index("alpha")["kl_over_elbo"]
        return values.astype(float)
    if name != "s1_table1":
        raise AnalysisError(f"{name} has no KL/ELBO ratio; s1_table1 and s1_table4 have")
    kl, recon = table(name).set_index("sigma")["kl"], table("s1_table2").set_index("sigma")
    sigma = np.asarray(kl.index, dtype=np.float64)
    return -kl / (recon["recon"] / (2 * sigma**2) + kl)


def mnist_spectrum() -> Spectrum:
    """Covariance eigenvalues of MNIST's 60,000 training images in [0, 1], for the linear theory.

    Measured, not published; it allows drawing the theory's curve with the papers' tables.
    """
    path = resources.files("analysis.published") / "mnist_spectrum.csv"
    with path.open(encoding="utf-8") as file:
        values = pd.read_csv(file)["eigenvalue"].to_numpy(dtype=np.float64)
    return Spectrum("mnist", "published", 784, values, (1, 28, 28), 60_000)
