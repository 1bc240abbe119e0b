"""An untrained model with one batch of its data, for rules that look at a single call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from trainers import datasets
from trainers.model import Model
from trainers.noise import Draw, Streams
from trainers.objectives import Objective
from trainers.trial import Trial

__all__ = ["Bench", "untrained"]


@dataclass(frozen=True)
class Bench:
    """A model, its objective, and the first examples of the train part, in data units."""

    objective: Objective
    model: Model
    x: Tensor

    def noise(self, draws: Mapping[str, Draw], seed: int = 0) -> dict[str, Tensor]:
        """Standard noise of the shapes that `draws` names."""
        streams = Streams(seed, 0)
        return {name: streams.draw(draw, self.x.dtype) for name, draw in draws.items()}

    def loss(self, noise: Mapping[str, Tensor] | None = None) -> Tensor:
        """The loss of the batch; without `noise`, with the same as the last time."""
        noise = noise or self.noise(self.objective.draws(self.model, len(self.x)))
        return self.objective.loss(self.model, self.x, noise)[0]


def untrained(trial: Trial, batch: int = 6) -> Bench:
    """The model of a trial with fresh weights, on the CPU."""
    splits, dtype = datasets.load(trial.data), trial.training.dtype
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        modules = trial.build_modules().to(dtype)
    params = {name: value.detach() for name, value in modules.named_parameters()}
    hyper = {
        name: torch.tensor(value, dtype=dtype) for name, value in trial.hyperparameters().items()
    }
    objective, model = trial.bind(dict(modules.items()), params, hyper)
    return Bench(objective, model, splits.train.x[:batch].to(dtype) / splits.scale)
