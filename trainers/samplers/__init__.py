"""Samplers of trained models: one file each, registered by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from trainers.energies import EnergyBased
from trainers.errors import Incompatible
from trainers.model import Model
from trainers.noise import Draw
from trainers.objectives import OBJECTIVES, Objective
from trainers.registry import Registry, name_of

__all__ = ["SAMPLERS", "Sampler", "draw_noise", "energy_of", "fitting_sampler", "floats"]


@runtime_checkable
class Sampler(Protocol):
    """Draws samples from a trained model, without a pack axis; results carry no gradient."""

    def check(self, objective: Objective) -> None:
        """Raise `Incompatible` if models of this objective cannot be sampled this way."""
        ...

    def trajectory(
        self, objective: Objective, model: Model, count: int, generator: torch.Generator
    ) -> Float[Tensor, "times count dims"]:
        """The states of `count` independent chains, the first state first, in data units."""
        ...

    def sample(
        self, objective: Objective, model: Model, count: int, generator: torch.Generator
    ) -> Float[Tensor, "count dims"]:
        """The last state of each of `count` chains, in data units."""
        ...


SAMPLERS: Registry[Sampler] = Registry("sampler", "trainers.samplers")


def fitting_sampler(objective: Objective) -> str:
    """The name of the sampler that the papers use: walk_jump for an energy, else ancestral."""
    return "walk_jump" if isinstance(objective, EnergyBased) else "ancestral"


def energy_of(objective: Objective, sampler: str) -> EnergyBased:
    """The objective, if it learns an energy; raises `Incompatible` if it does not."""
    if not isinstance(objective, EnergyBased):
        known = [name for name in OBJECTIVES if hasattr(OBJECTIVES[name], "gradient")]
        raise Incompatible(
            f"the sampler {sampler!r} walks on an energy of noisy data, and the "
            f"objective {name_of(objective)!r} learns none; use the sampler "
            f"'ancestral', or train one of {', '.join(known)}"
        )
    return objective


def floats(model: Model) -> Tensor:
    """Any one parameter of the model, from which samplers take dtype and device."""
    return next(iter(model.params.values()))


def draw_noise(
    draws: Mapping[str, Draw], generator: torch.Generator, like: Tensor
) -> dict[str, Tensor]:
    """Standard noise for each of `draws`, from the sampler's generator."""
    make = {"normal": torch.randn, "uniform": torch.rand}
    return {
        name: make[draw.kind](
            draw.shape, generator=generator, dtype=like.dtype, device=like.device
        )
        for name, draw in draws.items()
    }
