"""Fully connected autoencoder."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from trainers.fields import Component, Count
from trainers.networks import NETWORKS, activation, flat_size

__all__ = ["DenseDecoder", "DenseEncoder", "Mlp"]


def dense(sizes: tuple[int, ...], nonlinearity: str) -> nn.Sequential:
    """Linear layers of the given sizes, each followed by the activation."""
    layers: list[nn.Module] = []
    for size, wider in itertools.pairwise(sizes):
        layers += [nn.Linear(size, wider), activation(nonlinearity)]
    return nn.Sequential(*layers)


class DenseEncoder(nn.Module):
    """q(z|x): hidden layers, then linear readouts of mean and log-variance."""

    def __init__(self, sizes: tuple[int, ...], d_z: int, nonlinearity: str) -> None:
        super().__init__()
        self.hidden = dense(sizes, nonlinearity)
        self.mean = nn.Linear(sizes[-1], d_z)
        self.log_var = nn.Linear(sizes[-1], d_z)

    def forward(
        self, x: Float[Tensor, "batch dims"]
    ) -> tuple[Float[Tensor, "batch latent"], Float[Tensor, "batch latent"]]:
        h = self.hidden(x)
        return self.mean(h), self.log_var(h)


class DenseDecoder(nn.Module):
    """Hidden layers, then `outputs` numbers for each dimension of x."""

    def __init__(self, sizes: tuple[int, ...], dims: int, outputs: int, nonlinearity: str) -> None:
        super().__init__()
        self.hidden = dense(sizes, nonlinearity)
        self.out = nn.Linear(sizes[-1], outputs * dims)
        self.shape = (outputs, dims)

    def forward(self, z: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch outputs dims"]:
        u: Tensor = self.out(self.hidden(z))
        return u.reshape(*u.shape[:-1], *self.shape)


@NETWORKS.register("mlp")
@dataclass(frozen=True, kw_only=True)
class Mlp(Component):
    """Multilayer perceptrons with a logistic readout, as in Im et al. and Burda et al.

    Parameters
    ----------
    d_z : dimension of the latent space.
    hidden : widths of the encoder's hidden layers (one or two in the papers).
    decoder_hidden : widths of the decoder's hidden layers.
    nonlinearity : ``softplus`` (the denoising VAE), ``tanh`` (the IWAE) or ``silu``.

    References
    ----------
    Im et al. 2017, arXiv:1511.06406, Sec. 5; Burda et al. 2015, arXiv:1509.00519, Sec. 5.
    """

    reference: ClassVar[str] = "Im et al. 2017, arXiv:1511.06406, Sec. 5"
    kind: ClassVar[Literal["autoencoder", "energy"]] = "autoencoder"

    d_z: Count = 50
    hidden: tuple[Count, ...] = (200, 200)
    decoder_hidden: tuple[Count, ...] = (200, 200)
    nonlinearity: Literal["softplus", "tanh", "silu"] = "softplus"

    def build(self, shape: tuple[int, ...], outputs: int) -> Mapping[str, nn.Module]:
        dims = flat_size(shape)
        return {
            "encoder": DenseEncoder((dims, *self.hidden), self.d_z, self.nonlinearity),
            "decoder": DenseDecoder(
                (self.d_z, *self.decoder_hidden), dims, outputs, self.nonlinearity
            ),
        }

    def readout(self, u: Tensor) -> Tensor:
        return torch.sigmoid(u)
