"""A network: one hidden layer of tanh units on each side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from trainers.fields import Component, Count
from trainers.networks import NETWORKS, flat_size


class Encoder(nn.Module):
    """x → (mean, log-variance) of q(z|x)."""

    def __init__(self, dims: int, hidden: int, d_z: int) -> None:
        super().__init__()
        self.hidden = nn.Sequential(nn.Linear(dims, hidden), nn.Tanh())
        self.out = nn.Linear(hidden, 2 * d_z)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_var = self.out(self.hidden(x)).chunk(2, -1)
        return mean, log_var


# The name that a grid writes: `network: one_layer`.
@NETWORKS.register("one_layer")
@dataclass(frozen=True, kw_only=True)
class OneLayer(Component):
    """Encoder and decoder with one hidden layer of tanh units each.

    Parameters
    ----------
    d_z : dimension of the latent space. hidden : units of the hidden layers.
    """

    reference: ClassVar[str] = "where it comes from: authors, year, arXiv number"
    kind: ClassVar[Literal["autoencoder", "energy"]] = "autoencoder"

    d_z: Count = 10
    hidden: Count = 64

    def build(self, shape: tuple[int, ...], outputs: int) -> Mapping[str, nn.Module]:
        dims = flat_size(shape)
        decoder = nn.Sequential(
            nn.Linear(self.d_z, self.hidden),
            nn.Tanh(),
            nn.Linear(self.hidden, outputs * dims),
            nn.Unflatten(-1, (outputs, dims)),  # [batch, outputs, dims]
        )
        return {"encoder": Encoder(dims, self.hidden, self.d_z), "decoder": decoder}

    def readout(self, u: Tensor) -> Tensor:
        return torch.sigmoid(u)  # the last map to x̂, without parameters
