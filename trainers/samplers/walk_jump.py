"""Walk-jump sampling: walk among noisy data, jump to clean estimates."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from trainers.fields import Component, Count, Positive
from trainers.model import Model
from trainers.objectives import Objective
from trainers.samplers import SAMPLERS, draw_noise, energy_of
from trainers.samplers.langevin import Langevin, Start
from trainers.threads import one_thread

__all__ = ["WalkJump", "jump"]


@torch.no_grad()
def jump(
    objective: Objective, model: Model, y: Float[Tensor, "count dims"], generator: torch.Generator
) -> Float[Tensor, "count dims"]:
    """x̂(y), with latent noise (if there is any) from `generator`."""
    noise = draw_noise(objective.denoise_draws(model, len(y)), generator, y)
    with one_thread(y.device):
        return objective.denoise(model, y, noise)


@SAMPLERS.register("walk_jump")
@dataclass(frozen=True, kw_only=True)
class WalkJump(Component):
    """Langevin walk on the energy of y, and the jump x̂(y) = y − σ²∇f(y) after every few steps.

    The jumps do not change the walk, and are means E[x|y], not samples of x. There is no
    warm-up: the first jump is after `every` steps from the start. The paper's figure shows the
    trajectory of one chain.

    Parameters
    ----------
    delta : step size δ of the walk in units of σ (the paper has δ = 0.2 at σ = 1).
    every : steps between two jumps. jumps : how many jumps.
    start : ``uniform``, y ~ Unif([0, 1]^d), or ``noisy``, the same plus σε.

    References
    ----------
    Saremi and Hyvärinen 2019, arXiv:1903.02334; Saremi 2020, arXiv:2007.15130, Eq. 19 and 20.
    """

    reference: ClassVar[str] = "Saremi 2020, arXiv:2007.15130, Eq. 19 and 20"

    delta: Positive = 0.2
    every: Count = 10
    jumps: Count = 10
    start: Start = "uniform"

    def check(self, objective: Objective) -> None:
        energy_of(objective, "walk_jump")

    def trajectory(
        self, objective: Objective, model: Model, count: int, generator: torch.Generator
    ) -> Float[Tensor, "times count dims"]:
        """x̂(y) after `every`, 2·`every` ... steps: (jumps, count, dims), in data units."""
        return torch.stack(
            [
                jump(objective, model, y, generator)
                for y in self._landings(objective, model, count, generator)
            ]
        )

    def sample(
        self, objective: Objective, model: Model, count: int, generator: torch.Generator
    ) -> Float[Tensor, "count dims"]:
        return self.trajectory(objective, model, count, generator)[-1]

    def _landings(
        self, objective: Objective, model: Model, count: int, generator: torch.Generator
    ) -> Iterator[Tensor]:
        self.check(objective)
        langevin = Langevin(delta=self.delta, steps=self.every * self.jumps, start=self.start)
        walk = langevin.walk(objective, model, count, generator)
        return itertools.islice(walk, self.every - 1, None, self.every)
