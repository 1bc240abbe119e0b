"""Ancestral sampling: decode latents drawn from the prior."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from trainers.errors import Incompatible
from trainers.fields import Component
from trainers.model import Model
from trainers.noise import Draw
from trainers.objectives import Objective
from trainers.registry import name_of
from trainers.samplers import SAMPLERS, draw_noise, floats

__all__ = ["Ancestral"]


@SAMPLERS.register("ancestral")
@dataclass(frozen=True, kw_only=True)
class Ancestral(Component):
    """Decoder mean x̂(z) of latents z ~ N(0, I), without the decoder's noise.

    For UVB these are the means μ(z) of a decoder that was not trained as a generative model: they
    show the decoder and are not samples of the data's distribution.

    References
    ----------
    Kingma and Welling 2014, arXiv:1312.6114; Saremi 2020, arXiv:2005.09047, App. C; Saremi 2020,
    arXiv:2007.15130, Fig. 4.
    """

    reference: ClassVar[str] = "Kingma and Welling 2014; Saremi 2020, arXiv:2005.09047, App. C"

    def check(self, objective: Objective) -> None:
        if objective.network != "autoencoder":
            raise Incompatible(
                f"the sampler 'ancestral' decodes latent variables, and the "
                f"objective {name_of(objective)!r} has none; use 'walk_jump'"
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
        z = draw_noise(prior, generator, floats(model))["z"]
        if model.likelihood is not None:
            return model.mean(z)
        return model.network.readout(model.decode(z).squeeze(-2))
