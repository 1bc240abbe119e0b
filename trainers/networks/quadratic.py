"""A quadratic energy, whose optimum on Gaussian data is known in closed form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from trainers.fields import Component
from trainers.networks import NETWORKS, flat_size

__all__ = ["Quadratic", "QuadraticForm"]


class QuadraticForm(nn.Module):
    """f(y) = ½ yᵀWy + bᵀy with initial W = I, b = 0; f depends on the symmetric part P of W."""

    def __init__(self, dims: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.eye(dims))
        self.bias = nn.Parameter(torch.zeros(dims))

    def forward(self, y: Float[Tensor, "batch dims"]) -> Float[Tensor, " batch"]:
        return (0.5 * (y @ self.weight) * y).sum(-1) + y @ self.bias


@NETWORKS.register("quadratic")
@dataclass(frozen=True, kw_only=True)
class Quadratic(Component):
    """Quadratic energy f(y) = ½ yᵀPy + bᵀy with a free symmetric P, for Gaussian data.

    On N(μ, C) the optimum of DEEN is P = (C + σ²I)⁻¹ and b = −Pμ, and x̂(y) is the Wiener filter
    μ + C(C + σ²I)⁻¹(y − μ), with the loss Σ λᵢσ²/(λᵢ + σ²) over the eigenvalues λᵢ of C.

    References
    ----------
    Miyasawa 1961; Saremi 2020, arXiv:2007.15130, Eq. 2-4.
    """

    reference: ClassVar[str] = "Saremi 2020, arXiv:2007.15130, Eq. 2-4, on Gaussian data"
    kind: ClassVar[Literal["autoencoder", "energy"]] = "energy"

    def build(self, shape: tuple[int, ...], outputs: int) -> Mapping[str, nn.Module]:
        return {"energy": QuadraticForm(flat_size(shape))}

    def readout(self, u: Tensor) -> Tensor:
        return u
