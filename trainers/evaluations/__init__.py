"""Evaluations of a trained model: one file each, registered by name."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Int
from torch import Tensor

from trainers import datasets
from trainers.arithmetic import arithmetic_of
from trainers.fields import describe_fields
from trainers.model import Model
from trainers.noise import Streams
from trainers.objectives import Objective
from trainers.registry import Registry, name_of
from trainers.samplers import floats
from trainers.trial import Trial

__all__ = [
    "EVALUATIONS",
    "Evaluation",
    "Evaluator",
    "config",
    "evaluate",
    "first_examples",
    "key",
    "mean_and_error",
    "own_streams",
]

VERSION = 1


@dataclass(frozen=True)
class Evaluation:
    """The result of an evaluation.

    Parameters
    ----------
    metrics : numbers by name; no two evaluations share a name.
    table : rows of plain values, with the same keys in each.
    pictures : uint8 arrays (rows, columns, C, H, W) by name.
    """

    metrics: dict[str, float]
    table: list[dict[str, Any]] = field(default_factory=list)
    pictures: dict[str, npt.NDArray[np.uint8]] = field(default_factory=dict)


@runtime_checkable
class Evaluator(Protocol):
    """An evaluation of a trained model; its fields are the evaluation's settings."""

    def check(self, trial: Trial) -> None:
        """Raise `Incompatible` if it is undefined for a trial; the message names alternatives."""
        ...

    def evaluate(
        self, trial: Trial, objective: Objective, model: Model, cache: Path | None = None
    ) -> Evaluation:
        """Run it; `cache` is a folder for results that all trials of a data set share."""
        ...


EVALUATIONS: Registry[Evaluator] = Registry("evaluation", "trainers.evaluations")


@torch.no_grad()
def evaluate(
    evaluator: Evaluator,
    trial: Trial,
    objective: Objective,
    model: Model,
    cache: Path | None = None,
) -> Evaluation:
    """Check and run an evaluation on test examples; the result is reproducible.

    It is computed on one thread of a CPU, or by the trial's arithmetic on a GPU. All noise comes
    from the trial's stream ``evaluation``. Raises `Incompatible` as the evaluator's `check` does.
    """
    evaluator.check(trial)
    with arithmetic_of(trial.training, floats(model).device):
        return evaluator.evaluate(trial, objective, model, cache)


def config(evaluator: Evaluator) -> dict[str, Any]:
    """The plain values that `EVALUATIONS.build` takes."""
    values = {
        fld.name: value
        for fld in describe_fields(type(evaluator))
        if not fld.unsaid(value := getattr(evaluator, fld.name))
    }
    source = getattr(evaluator, "code_sha256", None)
    named = {"name": name_of(evaluator)} | ({"source": source} if source else {})
    return named | {
        name: list(value) if isinstance(value, tuple) else value for name, value in values.items()
    }


def key(evaluator: Evaluator) -> str:
    """The evaluation's name with a hash of all its fields: ``nll-1f0c93ab``."""
    text = json.dumps({"version": VERSION, **config(evaluator)}, sort_keys=True)
    return f"{name_of(evaluator)}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def first_examples(
    trial: Trial, model: Model, count: int
) -> tuple[Float[Tensor, "batch dims"], Int[Tensor, " batch"] | None]:
    """The first `count` test examples (0: all) in data units, and their labels if there are any.

    They are on the model's device.
    """
    splits, like = datasets.load(trial.data), floats(model)
    kept = slice(count or None)
    x = splits.test.x[kept].to(like.device).to(like.dtype) / splits.scale
    labels = splits.test.labels
    return x, None if labels is None else labels[kept].to(like.device)


def own_streams(trial: Trial, model: Model) -> Streams:
    """The trial's noise streams for an evaluation, from their start, on the model's device."""
    return Streams(trial.seed, 0, floats(model).device)


def mean_and_error(values: Float[Tensor, " batch"]) -> tuple[float, float]:
    """The mean over independent values, and its standard error sd/√n (NaN for one value)."""
    values = values.double()
    error = float(values.std(correction=1)) if len(values) > 1 else math.nan
    return float(values.mean()), error / math.sqrt(len(values))
