"""Observation models p(x|z): one file each, registered by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from trainers.registry import Registry

if TYPE_CHECKING:
    from trainers.corruptions import Corruption

__all__ = ["LIKELIHOODS", "Likelihood", "Readout"]

Readout = Callable[[Tensor], Tensor]


@runtime_checkable
class Likelihood(Protocol):
    """p(x|z), given what the decoder puts out before its readout.

    `outputs` is how many numbers the decoder gives for each dimension of x, `support` the
    interval that data must lie in (None: the real line). The field that is the noise level of
    the model, where there is one, is marked by `trainers.fields.NoiseScale`.
    """

    outputs: ClassVar[int]
    support: ClassVar[tuple[float, float] | None]

    def log_prob(
        self,
        x: Float[Tensor, "batch dims"],
        u: Float[Tensor, "batch outputs dims"],
        readout: Readout,
    ) -> Float[Tensor, " batch"]:
        """log p(x|z) in nats per example, without the normalising constant (the papers' form)."""
        ...

    def constant(self, dims: int) -> Float[Tensor, ""] | float:
        """The normalising constant in nats per example: log_prob + constant is a density."""
        ...

    def mean(
        self, u: Float[Tensor, "batch outputs dims"], readout: Readout
    ) -> Float[Tensor, "batch dims"]:
        """x̂ = E[x|z] (the median for Laplace), in data units."""
        ...

    def distance(
        self, x: Float[Tensor, "batch dims"], xhat: Float[Tensor, "batch dims"]
    ) -> Float[Tensor, " batch"]:
        """The reconstruction error that this likelihood scores, summed over dimensions."""
        ...

    def imagined(self) -> Corruption:
        """The noise model that the decoder imagines, as real noise (Saremi 2020, Def. 1)."""
        ...


LIKELIHOODS: Registry[Likelihood] = Registry("likelihood", "trainers.likelihoods")
