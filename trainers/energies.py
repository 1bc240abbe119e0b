"""Energies f(y) = −log p(y) + const of noisy data, and the Bayes estimate of x from ∇f."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

if TYPE_CHECKING:
    from trainers.model import Model

__all__ = ["Energy", "EnergyBased", "Parts", "bayes_estimate", "gradient", "plain"]

Parts = dict[str, Tensor]
Energy = Callable[[Tensor], tuple[Tensor, Parts]]


@runtime_checkable
class EnergyBased(Protocol):
    """An objective that learns an energy of y = x + σε, as Langevin samplers require."""

    @property
    def sigma(self) -> float:
        """σ, in data units."""
        ...

    def gradient(
        self,
        model: Model,
        y: Float[Tensor, "batch dims"],
        noise: Mapping[str, Tensor] | None = None,
    ) -> Float[Tensor, "batch dims"]:
        """∇f(y), per data unit; `noise` as `denoise` takes it."""
        ...


def plain(energy: Callable[[Tensor], Tensor]) -> Energy:
    """An energy without named parts, in the form that `gradient` takes."""
    return lambda y: (energy(y), {})


def gradient(
    energy: Energy, y: Float[Tensor, "batch dims"]
) -> tuple[Float[Tensor, "batch dims"], Parts]:
    """∇f(y) of each example, per data unit, and the parts of f that `energy` names.

    The gradient can be differentiated by the parameters of the energy, and works under
    `vmap`. The energy of an example must not depend on the other examples.
    """
    slope, parts = torch.func.grad(functools.partial(_total, energy), has_aux=True)(y)
    return slope, parts


def bayes_estimate(
    y: Float[Tensor, "*batch dims"], slope: Float[Tensor, "*batch dims"], sigma: float | Tensor
) -> Float[Tensor, "*batch dims"]:
    """x̂(y) = y − σ² ∇f(y), in data units; equal to E[x|y] if ∇f is exact (Miyasawa 1961)."""
    return y - sigma * sigma * slope


def _total(energy: Energy, y: Tensor) -> tuple[Tensor, Parts]:
    f, parts = energy(y)
    return f.sum(), parts
