"""The names of the metrics that a trial reports, determined without training it."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from trainers.datasets import load
from trainers.noise import Draw
from trainers.trial import Trial

__all__ = ["PARTS", "metric_names"]

PARTS = ("train", "test", "validation")


def metric_names(trial: Trial) -> frozenset[str]:
    """The names of the metrics of its records: ``train/...``, ``test/...``, ``validation/...``.

    Runs one training step and one test step on the meta device, where tensors have shapes and no
    values; of the data set only the sizes of its parts are used.
    """
    dims = math.prod(trial.data.shape)
    with torch.device("meta"):
        modules = trial.build_modules().to(trial.training.dtype)
        params = {
            name: torch.empty_like(value, requires_grad=True)
            for name, value in modules.named_parameters()
        }
        hyper = {
            name: torch.empty((), dtype=trial.training.dtype) for name in trial.hyperparameters()
        }
        x = torch.empty(2, dims, dtype=trial.training.dtype)
        objective, model = trial.bind(dict(modules.items()), params, hyper)
        _, trained = objective.loss(model, x, _noise(objective.draws(model, 2), x))
        tested = objective.test(model, x, _noise(objective.test_draws(model, 2), x))
    parts = {"test": True, "validation": len(load(trial.data).validation.x) > 0}
    return frozenset(f"train/{name}" for name in trained) | {
        f"{part}/{name}" for part, there in parts.items() if there for name in tested
    }


def _noise(draws: Mapping[str, Draw], like: Tensor) -> dict[str, Tensor]:
    return {name: torch.empty(draw.shape, dtype=like.dtype) for name, draw in draws.items()}
