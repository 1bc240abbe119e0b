"""The linear σ-VAE at its optimum: reverse water-filling, the null model of every law.

For a linear VAE (probabilistic PCA; Tipping and Bishop 1999) with fixed σ, on data with
covariance eigenvalues λ₁ ≥ λ₂ ≥ ..., averaged over data from the model,

    KL(σ)    = ½ Σ_{i ≤ d_z} log⁺(λᵢ/σ²)                 nats per example
    recon(σ) = Σ_{i ≤ d_z} min(λᵢ, σ²) + Σ_{i > d_z} λᵢ   squared data units per example

A dimension with λᵢ < σ² carries nothing; at σ² > λ₁ the whole posterior collapses. With β,
σ√β takes the place of σ. For Laplace noise (α) no such statement is known to us.

Example::

    curve(experiment.spectra[checksum], sigma=[0.1, 0.2], d_z=100)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from analysis.errors import AnalysisError, UnusableValues
from analysis.sources.schema import Spectrum

__all__ = ["Collapse", "collapse", "curve", "kl", "recon", "require_gaussian"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Collapse:
    """Where the linear theory says that latents die.

    threshold: σ above which all of them do, √λ_max. sigmas: the given σ beyond it.
    active: for each given σ, how many of the d_z latents carry information.
    name: what the given σ are: σ, or σ√β.
    """

    threshold: float
    sigmas: tuple[float, ...]
    active: tuple[int, ...]
    name: str = "σ"

    def sentence(self) -> str:
        text = (
            f"By the linear theory the posterior collapses above {self.name} = "
            f"{self.threshold:.3g}"
        )
        if not self.sigmas:
            return f"{text}; no {self.name} of this sweep lies there."
        beyond = ", ".join(f"{sigma:g}" for sigma in self.sigmas)
        return f"{text}: so it must at {self.name} = {beyond}."


def kl(eigenvalues: ArrayLike, sigma: ArrayLike, d_z: int | None = None) -> Array:
    """½ Σ log⁺(λᵢ/σ²) over the d_z largest λ (all, if None), for each σ."""
    values, noise = _checked(eigenvalues, sigma, d_z)
    kept = values[:d_z]
    with np.errstate(divide="ignore"):
        logs = np.log(kept)[:, None] - np.log(noise)[None, :]
    total: Array = 0.5 * np.maximum(logs, 0.0).sum(axis=0)
    return total


def recon(eigenvalues: ArrayLike, sigma: ArrayLike, d_z: int | None = None) -> Array:
    """Σ min(λᵢ, σ²) over the d_z largest λ, and the sum of the rest, for each σ."""
    values, noise = _checked(eigenvalues, sigma, d_z)
    kept = np.minimum(values[:d_z, None], noise[None, :]).sum(axis=0)
    rest = 0.0 if d_z is None else float(values[d_z:].sum())
    total: Array = kept + rest
    return total


def _checked(eigenvalues: ArrayLike, sigma: ArrayLike, d_z: int | None) -> tuple[Array, Array]:
    """Eigenvalues, descending, rounding below zero removed, and σ² as a vector."""
    values = np.sort(np.asarray(eigenvalues, dtype=np.float64).ravel())[::-1]
    noise = np.atleast_1d(np.asarray(sigma, dtype=np.float64)) ** 2
    if not len(values) or not np.isfinite(values).all() or values[0] <= 0:
        raise UnusableValues("a spectrum needs finite eigenvalues, at least one of them positive")
    if not (np.isfinite(noise) & (noise > 0)).all():
        raise UnusableValues("the linear theory needs finite σ above zero")
    if d_z is not None and d_z < 1:
        raise UnusableValues(f"d_z must be at least 1, not {d_z}")
    return np.maximum(values, 0.0), noise


def curve(
    spectrum: Spectrum, sigma: ArrayLike, d_z: int | None = None, beta: float = 1.0
) -> pd.DataFrame:
    """Columns sigma, kl, recon and active (latents that carry information) for each σ."""
    sigmas = np.atleast_1d(np.asarray(sigma, dtype=np.float64))
    effective = sigmas * np.sqrt(beta)
    values = spectrum.eigenvalues[:d_z]
    return pd.DataFrame(
        {
            "sigma": sigmas,
            "kl": kl(spectrum.eigenvalues, effective, d_z),
            "recon": recon(spectrum.eigenvalues, effective, d_z),
            "active": [int((values > s**2).sum()) for s in effective],
        }
    )


def collapse(
    spectrum: Spectrum, sigmas: Sequence[float], d_z: int | None = None, name: str = "σ"
) -> Collapse:
    """The collapse threshold of a data set, and the given σ (or σ√β: `name`) beyond it."""
    values, _ = _checked(spectrum.eigenvalues, 1.0, d_z)
    threshold = float(np.sqrt(values[0]))
    active = tuple(int((values[:d_z] > sigma**2).sum()) for sigma in sigmas)
    return Collapse(threshold, tuple(s for s in sigmas if s > threshold), active, name)


def require_gaussian(x: str) -> None:
    """AnalysisError unless `x` is σ: for Laplace noise there is no known closed form."""
    if x != "sigma":
        raise AnalysisError(
            "the linear theory is known for Gaussian noise (σ) only: with Laplace noise (α) the "
            "optimum of a linear model is not known in closed form, so no curve is drawn"
        )
