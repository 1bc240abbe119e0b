"""Affine encoder and decoder, whose optimum is known in closed form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from trainers.fields import Component, Count
from trainers.networks import NETWORKS, flat_size

__all__ = ["Linear"]


class AffineEncoder(nn.Module):
    """q(z|x) = N(Wx + b, diag exp(s)): an affine mean and one log-variance for all x."""

    def __init__(self, dims: int, d_z: int) -> None:
        super().__init__()
        self.mean = nn.Linear(dims, d_z)
        self.log_var = nn.Parameter(torch.zeros(d_z))

    def forward(
        self, x: Float[Tensor, "batch dims"]
    ) -> tuple[Float[Tensor, "batch latent"], Float[Tensor, "batch latent"]]:
        mean = self.mean(x)
        return mean, self.log_var.expand_as(mean)


class AffineDecoder(nn.Module):
    """Decoder outputs u(z) = Vz + c, affine in z."""

    def __init__(self, d_z: int, dims: int, outputs: int) -> None:
        super().__init__()
        self.out = nn.Linear(d_z, outputs * dims)
        self.shape = (outputs, dims)

    def forward(self, z: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch outputs dims"]:
        u: Tensor = self.out(z)
        return u.reshape(*u.shape[:-1], *self.shape)


@NETWORKS.register("linear")
@dataclass(frozen=True, kw_only=True)
class Linear(Component):
    """Affine encoder and decoder with bias and identity readout: probabilistic PCA.

    With a Gaussian likelihood on data with covariance eigenvalues λᵢ the optimum has
    KL = ½ Σ log⁺(λᵢ/σ²) and recon = Σ min(λᵢ, σ²) over the d_z largest, plus the other λᵢ.

    Parameters
    ----------
    d_z : dimension of the latent space.

    References
    ----------
    Tipping and Bishop 1999; Lucas et al. 2019, arXiv:1911.02469.
    """

    reference: ClassVar[str] = "Tipping and Bishop 1999; Lucas et al. 2019, arXiv:1911.02469"
    kind: ClassVar[Literal["autoencoder", "energy"]] = "autoencoder"

    d_z: Count = 10

    def build(self, shape: tuple[int, ...], outputs: int) -> Mapping[str, nn.Module]:
        dims = flat_size(shape)
        return {
            "encoder": AffineEncoder(dims, self.d_z),
            "decoder": AffineDecoder(self.d_z, dims, outputs),
        }

    def readout(self, u: Tensor) -> Tensor:
        return u
