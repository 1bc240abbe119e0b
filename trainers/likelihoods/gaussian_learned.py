"""Gaussian decoder that also gives a variance for each dimension."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from trainers.corruptions.gaussian_noise import GaussianNoise
from trainers.fields import Component, Scale
from trainers.likelihoods import LIKELIHOODS, Readout

__all__ = ["GaussianLearned"]

IMAGINED_SIGMA = 0.1


@LIKELIHOODS.register("gaussian_learned")
@dataclass(frozen=True, kw_only=True)
class GaussianLearned(Component):
    """Gaussian decoder with learned variance: p(x|z) = N(x | x̂(z), diag v(z)).

    log p(x|z) = −½ Σ ((xᵢ − x̂ᵢ)² / vᵢ + log vᵢ) − (d/2)·log 2π, the last term being the
    constant. The decoder gives two numbers for each dimension: one for x̂ (through the network's
    readout), one, w, for the variance v = sigma_min² + e^w. Without a floor the likelihood of a
    pixel that never changes has no upper bound.

    The noise that it imagines differs from pixel to pixel; where a denoiser needs one number
    (the ``denoise`` metric), it is σ = 0.1.

    Parameters
    ----------
    sigma_min : smallest standard deviation, in data units; the default is the grey step of
        8-bit images, below which a density of such images means nothing.

    References
    ----------
    Kingma and Welling 2014, arXiv:1312.6114, App. C.2; Im et al. 2017, arXiv:1511.06406, Sec. 4.
    """

    reference: ClassVar[str] = "Kingma and Welling 2014, arXiv:1312.6114, App. C.2"
    outputs: ClassVar[int] = 2
    support: ClassVar[tuple[float, float] | None] = None

    sigma_min: Scale = 1 / 256

    def log_prob(
        self, x: Float[Tensor, "batch dims"], u: Float[Tensor, "batch 2 dims"], readout: Readout
    ) -> Float[Tensor, " batch"]:
        variance = self.sigma_min * self.sigma_min + u.select(-2, 1).exp()
        squares = (x - self.mean(u, readout)).square()
        return -0.5 * (squares / variance + torch.log(variance)).sum(-1)

    def constant(self, dims: int) -> Float[Tensor, ""] | float:
        return -0.5 * dims * math.log(2 * math.pi)

    def mean(
        self, u: Float[Tensor, "batch 2 dims"], readout: Readout
    ) -> Float[Tensor, "batch dims"]:
        return readout(u.select(-2, 0))

    def distance(
        self, x: Float[Tensor, "batch dims"], xhat: Float[Tensor, "batch dims"]
    ) -> Float[Tensor, " batch"]:
        return (x - xhat).square().sum(-1)

    def imagined(self) -> GaussianNoise:
        return GaussianNoise(sigma=IMAGINED_SIGMA)
