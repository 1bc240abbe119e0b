"""Laplace decoder with a fixed scale α."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from trainers.corruptions.laplace_noise import LaplaceNoise
from trainers.fields import Component, NoiseScale, Scale, from_checked
from trainers.likelihoods import LIKELIHOODS, Readout

__all__ = ["Laplace"]


@LIKELIHOODS.register("laplace")
@dataclass(frozen=True, kw_only=True)
class Laplace(Component):
    """Imaginary Laplace noise model: p(x|z) = (1/2α)^d exp(−‖x − x̂(z)‖₁ / α).

    log p(x|z) = −‖x − x̂(z)‖₁ / α − d·log 2α, the last term being the constant.

    Parameters
    ----------
    alpha : α > 0, in data units.

    References
    ----------
    Saremi 2020, arXiv:2005.09047, Eq. 10 and 11, Theorem 2.
    """

    reference: ClassVar[str] = "Saremi 2020, arXiv:2005.09047, Eq. 10"
    outputs: ClassVar[int] = 1
    support: ClassVar[tuple[float, float] | None] = None

    alpha: Annotated[Scale, NoiseScale(beta_exponent=1.0)]

    def log_prob(
        self, x: Float[Tensor, "batch dims"], u: Float[Tensor, "batch 1 dims"], readout: Readout
    ) -> Float[Tensor, " batch"]:
        return self.distance(x, self.mean(u, readout)) * (-1.0 / self.alpha)

    def constant(self, dims: int) -> Float[Tensor, ""] | float:
        return -dims * torch.log(2 * torch.as_tensor(self.alpha, dtype=torch.float64))

    def mean(
        self, u: Float[Tensor, "batch 1 dims"], readout: Readout
    ) -> Float[Tensor, "batch dims"]:
        return readout(u.squeeze(-2))

    def distance(
        self, x: Float[Tensor, "batch dims"], xhat: Float[Tensor, "batch dims"]
    ) -> Float[Tensor, " batch"]:
        return (x - xhat).abs().sum(-1)

    def imagined(self) -> LaplaceNoise:
        return from_checked(LaplaceNoise, alpha=self.alpha)
