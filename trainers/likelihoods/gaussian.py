"""Gaussian decoder with a fixed scale σ."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from trainers.corruptions.gaussian_noise import GaussianNoise
from trainers.fields import Component, NoiseScale, Scale, from_checked
from trainers.likelihoods import LIKELIHOODS, Readout

__all__ = ["Gaussian"]


@LIKELIHOODS.register("gaussian")
@dataclass(frozen=True, kw_only=True)
class Gaussian(Component):
    """Imaginary Gaussian noise model: p(x|z) = N(x | x̂(z), σ² I).

    log p(x|z) = −‖x − x̂(z)‖² / (2σ²) − (d/2)·log 2πσ², the last term being the constant.
    σ is fixed: this is not the learned-variance decoder of Rybkin et al.

    Parameters
    ----------
    sigma : σ > 0, in data units.

    References
    ----------
    Saremi 2020, arXiv:2005.09047, Eq. 5 and 7.
    """

    reference: ClassVar[str] = "Saremi 2020, arXiv:2005.09047, Eq. 5"
    outputs: ClassVar[int] = 1
    support: ClassVar[tuple[float, float] | None] = None

    sigma: Annotated[Scale, NoiseScale(beta_exponent=0.5)]

    def log_prob(
        self, x: Float[Tensor, "batch dims"], u: Float[Tensor, "batch 1 dims"], readout: Readout
    ) -> Float[Tensor, " batch"]:
        return self.distance(x, self.mean(u, readout)) * (-0.5 / (self.sigma * self.sigma))

    def constant(self, dims: int) -> Float[Tensor, ""] | float:
        variance = torch.as_tensor(self.sigma * self.sigma, dtype=torch.float64)
        return -0.5 * dims * torch.log(2 * math.pi * variance)

    def mean(
        self, u: Float[Tensor, "batch 1 dims"], readout: Readout
    ) -> Float[Tensor, "batch dims"]:
        return readout(u.squeeze(-2))

    def distance(
        self, x: Float[Tensor, "batch dims"], xhat: Float[Tensor, "batch dims"]
    ) -> Float[Tensor, " batch"]:
        return (x - xhat).square().sum(-1)

    def imagined(self) -> GaussianNoise:
        return from_checked(GaussianNoise, sigma=self.sigma)
