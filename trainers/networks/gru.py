"""Recurrent encoder with gated units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from trainers.fields import Component, Count
from trainers.networks import NETWORKS, flat_size
from trainers.networks.mlp import DenseDecoder

__all__ = ["Gru", "GruEncoder"]


class GruEncoder(nn.Module):
    """q(z|x): a gated recurrent layer whose input is x at every time step.

    From h₀ = 0, with r = sigmoid(W_r x + U_r h), g = sigmoid(W_g x + U_g h) and
    n = tanh(W_n x + b + r ⊙ (U_n h + c)): h ← (1 − g) ⊙ n + g ⊙ h. This is `nn.GRUCell`, written
    out: the fused operators behind it cannot be batched over a pack.
    """

    def __init__(self, dims: int, width: int, d_z: int, steps: int) -> None:
        super().__init__()
        self.steps = steps
        self.inputs = nn.Linear(dims, 3 * width)
        self.state = nn.Linear(width, 3 * width)
        self.mean = nn.Linear(width, d_z)
        self.log_var = nn.Linear(width, d_z)

    def forward(
        self, x: Float[Tensor, "batch dims"]
    ) -> tuple[Float[Tensor, "batch latent"], Float[Tensor, "batch latent"]]:
        seen = self.inputs(x).chunk(3, dim=-1)
        h = torch.zeros_like(seen[0])
        for _ in range(self.steps):
            h = gated(seen, self.state(h).chunk(3, dim=-1), h)
        return self.mean(h), self.log_var(h)


def gated(seen: tuple[Tensor, ...], kept: tuple[Tensor, ...], h: Tensor) -> Tensor:
    """One time step, from the gates' linear maps of x and of h, each in the order r, g, n."""
    reset = torch.sigmoid(seen[0] + kept[0])
    gate = torch.sigmoid(seen[1] + kept[1])
    proposal = torch.tanh(seen[2] + reset * kept[2])
    return proposal + gate * (h - proposal)


@NETWORKS.register("gru")
@dataclass(frozen=True, kw_only=True)
class Gru(Component):
    """A recurrent encoder (one gated layer, five time steps) and a dense decoder.

    The paper does not state the layer's input at each step. Here it is the whole x at every step,
    so that the steps refine one code and any data shape can be used. Logistic readout.

    Parameters
    ----------
    d_z : dimension of the latent space. units : width of the recurrent layer.
    steps : time steps. decoder_hidden : widths of the decoder's hidden layers.
    nonlinearity : of the decoder: ``softplus`` (the denoising VAE), ``tanh`` (the IWAE), ``silu``.

    References
    ----------
    Im et al. 2017, arXiv:1511.06406, Sec. 4 and Table 3; Cho et al. 2014, arXiv:1406.1078.
    """

    reference: ClassVar[str] = "Im et al. 2017, arXiv:1511.06406, Table 3"
    kind: ClassVar[Literal["autoencoder", "energy"]] = "autoencoder"

    d_z: Count = 50
    units: Count = 200
    steps: Count = 5
    decoder_hidden: tuple[Count, ...] = (200, 200)
    nonlinearity: Literal["softplus", "tanh", "silu"] = "softplus"

    def build(self, shape: tuple[int, ...], outputs: int) -> Mapping[str, nn.Module]:
        dims = flat_size(shape)
        return {
            "encoder": GruEncoder(dims, self.units, self.d_z, self.steps),
            "decoder": DenseDecoder(
                (self.d_z, *self.decoder_hidden), dims, outputs, self.nonlinearity
            ),
        }

    def readout(self, u: Tensor) -> Tensor:
        return torch.sigmoid(u)
