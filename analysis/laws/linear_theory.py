"""The linear σ-VAE at its optimum: reverse water-filling, the null model of every law.

For a linear VAE (probabilistic PCA; Tipping and Bishop 1999) with fixed σ, on data with
covariance eigenvalues λ₁ ≥ λ₂ ≥ ..., averaged over data from the model,

    KL(σ)    = ½ Σ_{i ≤ d_z} log⁺(λᵢ/σ²)                 nats per example
    recon(σ) = Σ_{i ≤ d_z} min(λᵢ, σ²) + Σ_{i > d_z} λᵢ   squared data units per example

A dimension with λᵢ < σ² carries nothing; at σ² > λ₁ the whole posterior of the linear model
collapses. That of a deep one need not: on ten images of one bar each, √λ₁ = 1, networks of two
layers were seen to have at σ = 1.05 a KL of 2.5 nats, and an ELBO of −2.8 nats where that of
collapse is −4.1.
With β, σ√β takes the place of σ. For Laplace noise (α) no such statement is known to us.

Example::

    curve(experiment.spectra[checksum], sigma=[0.1, 0.2], d_z=100)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from analysis.errors import AnalysisError, UnusableValues
from analysis.sources.schema import Spectrum
from analysis.wording import listed, number

__all__ = ["Collapse", "collapse", "curve", "kl", "recon", "require_gaussian"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Collapse:
    """Where the latents of a linear model carry nothing, and the KL that was measured there.

    threshold: σ above which none of them does, √λ_max. sigmas: the given σ beyond it.
    active: for each given σ, how many of the d_z latents carry information.
    name: what the given σ are: σ, or σ√β. measured: KL at each of `sigmas`, nats per example, NaN
    if unknown.
    """

    threshold: float
    sigmas: tuple[float, ...]
    active: tuple[int, ...]
    name: str = "σ"
    measured: tuple[float, ...] = ()

    def sentence(self) -> str:
        text = (
            f"The posterior of a linear σ-VAE collapses above {self.name} = {self.threshold:.3g} "
            "(√λ_max of these data)"
        )
        if not self.sigmas:
            return f"{text}; no {self.name} of this sweep lies there."
        known = [
            f"{number(kl)} nats/example at {self.name} = {sigma:g}"
            for sigma, kl in zip(self.sigmas, self.measured, strict=False)
            if math.isfinite(kl)
        ]
        if not known:
            return f"{text}; that of a deep one need not, and no KL was measured there."
        return f"{text}; that of a deep one need not: the measured KL is {listed(known)}."


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
    spectrum: Spectrum,
    sigmas: Sequence[float],
    d_z: int | None = None,
    name: str = "σ",
    measured: Mapping[float, float] | None = None,
) -> Collapse:
    """The threshold of a data set for a linear model, and the given σ (or σ√β: `name`) beyond it.

    measured: the KL at each σ of which it is known.
    """
    values, _ = _checked(spectrum.eigenvalues, 1.0, d_z)
    threshold = float(np.sqrt(values[0]))
    active = tuple(int((values[:d_z] > sigma**2).sum()) for sigma in sigmas)
    beyond = tuple(s for s in sigmas if s > threshold)
    kls = tuple((measured or {}).get(s, math.nan) for s in beyond)
    return Collapse(threshold, beyond, active, name, kls)


def require_gaussian(x: str) -> None:
    """AnalysisError unless `x` is σ: for Laplace noise there is no known closed form."""
    if x != "sigma":
        raise AnalysisError(
            "the linear theory is known for Gaussian noise (σ) only: with Laplace noise (α) the "
            "optimum of a linear model is not known in closed form, so no curve is drawn"
        )
