"""The papers' convolutional autoencoder."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from trainers.errors import Incompatible
from trainers.fields import Component, Count
from trainers.networks import NETWORKS, flat_size, image_shape

__all__ = ["Conv", "ConvStack"]


class ConvStack(nn.Module):
    """Expanding 3x3 convolutions (stride 1, no padding, no pooling), then one hidden layer.

    x (batch, dims) → features (batch, fc), SiLU after every layer.
    """

    def __init__(self, shape: tuple[int, int, int], channels: tuple[int, ...], fc: int) -> None:
        super().__init__()
        self.shape = shape
        depths = (shape[0], *channels)
        rows, columns = (side - 2 * len(channels) for side in shape[1:])
        if rows < 1 or columns < 1:
            raise Incompatible(
                f"{len(channels)} unpadded 3x3 convolutions need images of at least "
                f"{2 * len(channels) + 1} x {2 * len(channels) + 1}, and these are "
                f"{shape[1]} x {shape[2]}; use the network 'mlp'"
            )
        self.convolutions = nn.ModuleList(
            nn.Conv2d(depth, wider, 3) for depth, wider in itertools.pairwise(depths)
        )
        self.hidden = nn.Linear(depths[-1] * rows * columns, fc)

    def forward(self, x: Float[Tensor, "batch dims"]) -> Float[Tensor, "batch features"]:
        h = x.reshape(-1, *self.shape)
        for convolution in self.convolutions:
            h = nn.functional.silu(convolution(h))
        return nn.functional.silu(self.hidden(h.flatten(1)))


class ConvEncoder(nn.Module):
    """q(z|x): one trunk with two readouts, or two separate trunks."""

    def __init__(self, shape: tuple[int, int, int], network: Conv) -> None:
        super().__init__()
        stacks = 1 if network.share_encoder else 2
        self.trunks = nn.ModuleList(
            ConvStack(shape, network.channels, network.fc) for _ in range(stacks)
        )
        self.mean = nn.Linear(network.fc, network.d_z)
        self.log_var = nn.Linear(network.fc, network.d_z)

    def forward(
        self, x: Float[Tensor, "batch dims"]
    ) -> tuple[Float[Tensor, "batch latent"], Float[Tensor, "batch latent"]]:
        features = [trunk(x) for trunk in self.trunks]
        return self.mean(features[0]), self.log_var(features[-1])


class Decoder(nn.Module):
    """One hidden layer, SiLU, then `outputs` numbers for each dimension of x."""

    def __init__(self, d_z: int, width: int, dims: int, outputs: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(d_z, width)
        self.out = nn.Linear(width, outputs * dims)
        self.shape = (outputs, dims)

    def forward(self, z: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch outputs dims"]:
        u: Tensor = self.out(nn.functional.silu(self.hidden(z)))
        return u.reshape(*u.shape[:-1], *self.shape)


@NETWORKS.register("conv")
@dataclass(frozen=True, kw_only=True)
class Conv(Component):
    """The ConvNet encoder and one-layer decoder of Saremi's papers.

    Encoder: 3x3 kernels, stride 1, no padding, no pooling, SiLU, one hidden layer, linear
    readouts of mean and log-variance. Decoder: one hidden layer and a logistic readout.

    Parameters
    ----------
    d_z : dimension of the latent space.
    channels : channels of the convolutions, in order.
    fc : width of the encoder's hidden layer.
    decoder : width of the decoder's hidden layer.
    share_encoder : one trunk with two readouts (faster) instead of two ConvNets without
        shared weights (the papers: 26.8 million parameters on MNIST).

    References
    ----------
    Saremi 2020, arXiv:2005.09047, Sec. 5; Saremi 2020, arXiv:2007.15130, Sec. 3.1.1.
    """

    reference: ClassVar[str] = "Saremi 2020, arXiv:2007.15130, Sec. 3.1.1"
    kind: ClassVar[Literal["autoencoder", "energy"]] = "autoencoder"

    d_z: Count = 100
    channels: tuple[Count, ...] = (32, 64, 128)
    fc: Count = 200
    decoder: Count = 2000
    share_encoder: bool = False

    def build(self, shape: tuple[int, ...], outputs: int) -> Mapping[str, nn.Module]:
        return {
            "encoder": ConvEncoder(image_shape(shape), self),
            "decoder": Decoder(self.d_z, self.decoder, flat_size(shape), outputs),
        }

    def readout(self, u: Tensor) -> Tensor:
        return torch.sigmoid(u)
