"""Corruptions p(x̃|x): one file each, registered by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal, Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor, nn

from trainers.datasets import Splits
from trainers.registry import Registry

__all__ = ["CORRUPTIONS", "Corruption", "FromData", "Learnable"]


@runtime_checkable
class Corruption(Protocol):
    """p(x̃|x), as a function of the clean x and of standard noise that the caller draws.

    `support` is the interval that data must lie in (None: the real line).
    """

    noise: ClassVar[Literal["normal", "uniform"]]
    support: ClassVar[tuple[float, float] | None]

    def __call__(
        self, x: Float[Tensor, "*batch dims"], noise: Float[Tensor, "*batch dims"]
    ) -> Float[Tensor, "*batch dims"]:
        """The corrupted x̃, in data units."""
        ...


@runtime_checkable
class Learnable(Protocol):
    """A corruption whose rate is trained with the model's parameters (part ``corruption``)."""

    def build(self, shape: tuple[int, ...]) -> nn.Module:
        """A module that holds the corruption's parameters, with their initial values."""
        ...

    def at(self, params: Mapping[str, Tensor]) -> Corruption:
        """The corruption with these parameters; it can be differentiated by them."""
        ...

    def rate(self, params: Mapping[str, Tensor]) -> Float[Tensor, ""]:
        """The mean rate over dimensions, which training reports."""
        ...


@runtime_checkable
class FromData(Protocol):
    """A corruption that uses statistics of the training data."""

    @staticmethod
    def statistics(splits: Splits) -> Mapping[str, Tensor]:
        """The values of the component's fields that are computed from the training examples."""
        ...


CORRUPTIONS: Registry[Corruption] = Registry("corruption", "trainers.corruptions")
