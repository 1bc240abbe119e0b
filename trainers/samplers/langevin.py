"""Langevin Monte Carlo on a learned energy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from trainers.energies import EnergyBased
from trainers.errors import InvalidValue
from trainers.fields import Component, Count, Positive
from trainers.model import Model
from trainers.noise import Draw
from trainers.objectives import Objective
from trainers.samplers import SAMPLERS, draw_noise, energy_of, floats
from trainers.threads import one_thread

__all__ = ["Langevin", "Start"]

Start = Literal["uniform", "noisy"]


@SAMPLERS.register("langevin")
@dataclass(frozen=True, kw_only=True)
class Langevin(Component):
    """Langevin walk on the energy of noisy data: y ← y − δ²∇f(y) + √2 δ ε, ε ~ N(0, I).

    Samples y = x + σε, not x. Without a Metropolis test: on f = ½ yᵀPy the walk's covariance is
    [P(I − δ²P/2)]⁻¹, and P⁻¹ only as δ → 0. It is stable for δ < √(2/P), so on the energy of
    noisy data, where P ≤ 1/σ², for δ < √2 σ. UVB's ∇f takes new latent noise in each step.

    Parameters
    ----------
    delta : step size δ in units of σ (the paper has δ = 0.2 at σ = 1).
    steps : how many steps.
    start : ``uniform``, y ~ Unif([0, 1]^d), or ``noisy``, the same plus σε.

    References
    ----------
    Saremi 2020, arXiv:2007.15130, Eq. 19; Saremi and Hyvärinen 2019, arXiv:1903.02334.
    """

    reference: ClassVar[str] = "Saremi 2020, arXiv:2007.15130, Eq. 19"

    delta: Positive = 0.2
    steps: Count = 100
    start: Start = "uniform"

    def check(self, objective: Objective) -> None:
        energy_of(objective, "langevin")

    def trajectory(
        self, objective: Objective, model: Model, count: int, generator: torch.Generator
    ) -> Float[Tensor, "times count dims"]:
        return torch.stack(list(self.walk(objective, model, count, generator)))

    def sample(
        self, objective: Objective, model: Model, count: int, generator: torch.Generator
    ) -> Float[Tensor, "count dims"]:
        *_, last = self.walk(objective, model, count, generator)
        return last

    def walk(
        self, objective: Objective, model: Model, count: int, generator: torch.Generator
    ) -> Iterator[Tensor]:
        """The position (count, dims) after each step.

        Raises `InvalidValue` with the rule for δ if the walk diverges.
        """
        energy_of(objective, "langevin")
        y = self._first(objective, model, count, generator)
        for step in range(self.steps):
            y = self._step(objective, model, y, generator)
            if not torch.isfinite(y).all():
                raise InvalidValue(
                    f"the walk ran away in step {step + 1}: `delta` is "
                    f"{self.delta:g} σ, and must be well below √2 σ"
                )
            yield y

    def _first(
        self, objective: Objective, model: Model, count: int, generator: torch.Generator
    ) -> Tensor:
        shape, like = (count, model.dims), floats(model)
        draws = {
            "uniform": Draw("evaluation", shape, "uniform"),
            "noise": Draw("evaluation", shape),
        }
        drawn = draw_noise(draws, generator, like)
        y = drawn["uniform"]
        return objective.noise_model(model)(y, drawn["noise"]) if self.start == "noisy" else y

    @torch.no_grad()
    def _step(
        self, objective: Objective, model: Model, y: Tensor, generator: torch.Generator
    ) -> Tensor:
        energetic: EnergyBased = energy_of(objective, "langevin")
        draws = {
            "step": Draw("evaluation", tuple(y.shape)),
            **objective.denoise_draws(model, len(y)),
        }
        noise = draw_noise(draws, generator, y)
        delta = self.delta * energetic.sigma
        with one_thread(y.device):
            slope = energetic.gradient(model, y, noise)
        return y - delta * delta * slope + 2**0.5 * delta * noise["step"]
