"""Samplers of trained models: one file each, registered by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from trainers.energies import EnergyBased
from trainers.errors import Incompatible
from trainers.model import Model
from trainers.noise import Draw
from trainers.objectives import OBJECTIVES, Objective
from trainers.registry import Registry

__all__ = ["SAMPLERS", "Sampler", "draw_noise", "energy_of", "fitting_sampler", "floats"]


@runtime_checkable
class Sampler(Protocol):
    """A way to make examples with a trained model; no pack axis, and no gradient kept."""

    name: ClassVar[str]

    def check(self, objective: Objective) -> None:
        """Raise `Incompatible` where the objective gives no model that can be sampled so."""
        ...

    def trajectory(
        self, objective: Objective, model: Model, count: int, generator: torch.Generator
    ) -> Float[Tensor, "times count dims"]:
        """What `count` independent chains pass through, the oldest first, in data units."""
        ...

    def sample(
        self, objective: Objective, model: Model, count: int, generator: torch.Generator
    ) -> Float[Tensor, "count dims"]:
        """The end of each chain's trajectory, in data units."""
        ...


SAMPLERS: Registry[Sampler] = Registry("sampler", "trainers.samplers")


def fitting_sampler(objective: Objective) -> str:
    """The name of the sampler that the papers use: walk_jump for an energy, else ancestral."""
    return "walk_jump" if isinstance(objective, EnergyBased) else "ancestral"


def energy_of(objective: Objective, sampler: str) -> EnergyBased:
    """The objective as one that learns an energy; `Incompatible` where it is none."""
    if not isinstance(objective, EnergyBased):
        known = [name for name in OBJECTIVES if hasattr(OBJECTIVES[name], "gradient")]
        raise Incompatible(
            f"the sampler {sampler!r} walks on an energy of noisy data, and the "
            f"objective {objective.name!r} learns none; use the sampler "
            f"'ancestral', or train one of {', '.join(known)}"
        )
    return objective


def floats(model: Model) -> Tensor:
    """Any parameter of the model: for the type and the device that it computes in."""
    return next(iter(model.params.values()))


def draw_noise(
    draws: Mapping[str, Draw], generator: torch.Generator, like: Tensor
) -> dict[str, Tensor]:
    """Standard noise of the shapes that `draws` names, from a sampler's own generator."""
    make = {"normal": torch.randn, "uniform": torch.rand}
    return {
        name: make[draw.kind](
            draw.shape, generator=generator, dtype=like.dtype, device=like.device
        )
        for name, draw in draws.items()
    }
