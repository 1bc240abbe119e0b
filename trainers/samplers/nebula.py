"""NEBULA in two steps: follow the energy's gradient towards an attractor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from trainers.fields import Component, Count, Positive
from trainers.model import Model
from trainers.objectives import Objective
from trainers.samplers import SAMPLERS, energy_of
from trainers.samplers.langevin import Langevin, Start
from trainers.samplers.walk_jump import jump

__all__ = ["Nebula"]


@SAMPLERS.register("nebula")
@dataclass(frozen=True, kw_only=True)
class Nebula(Component):
    """Two-step NEBULA x̂(x̂(y)): gradient descent on f with steps of σ², towards an attractor.

    More steps remove more noise, and change style and class of a digit. `descend` starts from
    given noisy data; `sample` starts from the y at the end of a Langevin walk.

    Parameters
    ----------
    descents : how many steps of σ² (2 in the paper).
    delta : step size δ of the walk in units of σ. steps : steps of the walk.
    start : ``uniform``, y ~ Unif([0, 1]^d), or ``noisy``, the same plus σε.

    References
    ----------
    Saremi and Hyvärinen 2019, arXiv:1903.02334; Saremi 2020, arXiv:2007.15130, Sec. 3.3.1.
    """

    reference: ClassVar[str] = "Saremi 2020, arXiv:2007.15130, Sec. 3.3.1"

    descents: Count = 2
    delta: Positive = 0.2
    steps: Count = 100
    start: Start = "uniform"

    def check(self, objective: Objective) -> None:
        energy_of(objective, "nebula")

    def trajectory(
        self, objective: Objective, model: Model, count: int, generator: torch.Generator
    ) -> Float[Tensor, "times count dims"]:
        self.check(objective)
        langevin = Langevin(delta=self.delta, steps=self.steps, start=self.start)
        y = langevin.sample(objective, model, count, generator)
        return self.descend(objective, model, y, generator)

    def sample(
        self, objective: Objective, model: Model, count: int, generator: torch.Generator
    ) -> Float[Tensor, "count dims"]:
        return self.trajectory(objective, model, count, generator)[-1]

    def descend(
        self,
        objective: Objective,
        model: Model,
        y: Float[Tensor, "count dims"],
        generator: torch.Generator,
    ) -> Float[Tensor, "times count dims"]:
        """x̂(y), x̂(x̂(y)) ... of given noisy data: (descents, count, dims), in data units."""
        self.check(objective)
        path = [y]
        for _ in range(self.descents):
            path.append(jump(objective, model, path[-1], generator))
        return torch.stack(path[1:])
