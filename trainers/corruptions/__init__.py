"""Corruptions p(x̃|x): one file each, registered by name."""

from __future__ import annotations

from typing import ClassVar, Literal, Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from trainers.registry import Registry

__all__ = ["CORRUPTIONS", "Corruption"]


@runtime_checkable
class Corruption(Protocol):
    """p(x̃|x), as a function of the clean x and of standard noise that the caller draws."""

    name: ClassVar[str]
    noise: ClassVar[Literal["normal", "uniform"]]

    def __call__(self, x: Float[Tensor, "*batch dims"],
                 noise: Float[Tensor, "*batch dims"]) -> Float[Tensor, "*batch dims"]:
        """The corrupted x̃, in data units."""
        ...


CORRUPTIONS: Registry[Corruption] = Registry("corruption", "trainers.corruptions")
