"""Parametrisations: autoencoders and energies, one file each, registered by name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar, Literal, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from trainers.registry import Registry
from trainers.softplus import Softplus

__all__ = ["NETWORKS", "Network", "activation", "flat_size", "image_shape"]


@runtime_checkable
class Network(Protocol):
    """The architecture of one model: builds its modules.

    `kind` is ``"autoencoder"`` (modules ``encoder``: x → (mean, log-variance) of q(z|x) and
    ``decoder``: z → outputs before the readout) or ``"energy"`` (module ``energy``: y → f(y)).
    All modules take and return flat vectors.
    """

    kind: ClassVar[Literal["autoencoder", "energy"]]

    def build(self, shape: tuple[int, ...], outputs: int) -> Mapping[str, nn.Module]:
        """Newly initialised modules for data of `shape`, with `outputs` numbers per dimension."""
        ...

    def readout(self, u: Tensor) -> Tensor:
        """The last, parameter-free map of the decoder, from u to x̂."""
        ...


def activation(name: str) -> nn.Module:
    """The activation that a network's `activation` field names."""
    known: dict[str, type[nn.Module]] = {"silu": nn.SiLU, "softplus": Softplus, "tanh": nn.Tanh}
    return known[name]()


def flat_size(shape: tuple[int, ...]) -> int:
    """d, the number of dimensions of one example."""
    return math.prod(shape)


def image_shape(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """The (channels, height, width) of an image data set; vectors are 1 x 1 x d images."""
    if len(shape) == 3:
        return shape
    return 1, 1, torch.Size(shape).numel()


NETWORKS: Registry[Network] = Registry("network", "trainers.networks")
