"""A sampler: decode latents from a narrower prior."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from trainers.errors import Incompatible
from trainers.fields import Component, Positive
from trainers.model import Model
from trainers.noise import Draw
from trainers.objectives import Objective
from trainers.registry import name_of
from trainers.samplers import SAMPLERS, draw_noise, floats


# The name that a grid writes: `evaluate: [{samples: {samplers: [tempered]}}]`.
@SAMPLERS.register("tempered")
@dataclass(frozen=True, kw_only=True)
class Tempered(Component):
    """Decoder mean x̂(z) of latents z ~ N(0, t² I).

    Parameters
    ----------
    temperature : t > 0; smaller is more typical and less diverse.
    """

    reference: ClassVar[str] = "Kingma and Dhariwal 2018, arXiv:1807.03039, Sec. 6"

    temperature: Positive = 0.7

    def check(self, objective: Objective) -> None:
        if not objective.likelihood:
            raise Incompatible(
                f"the sampler 'tempered' decodes latents by a likelihood, and the objective "
                f"{name_of(objective)!r} has none; use 'walk_jump'"
            )

    def trajectory(
        self, objective: Objective, model: Model, count: int, generator: torch.Generator
    ) -> Float[Tensor, "times count dims"]:
        return self.sample(objective, model, count, generator).unsqueeze(0)

    @torch.no_grad()
    def sample(
        self, objective: Objective, model: Model, count: int, generator: torch.Generator
    ) -> Float[Tensor, "count dims"]:
        self.check(objective)
        prior = {"z": Draw("evaluation", (count, model.d_z))}
        z = draw_noise(prior, generator, floats(model))["z"]  # all chance is the generator's
        return model.mean(self.temperature * z)
