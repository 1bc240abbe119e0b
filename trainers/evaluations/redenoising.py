"""Test examples denoised again and again: x̂(y), x̂(x̂(y)) ..."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from torch import Tensor

from trainers.corruptions.gaussian_noise import GaussianNoise
from trainers.errors import InvalidValue
from trainers.evaluations import (
    EVALUATIONS,
    Evaluation,
    first_examples,
    mean_and_error,
    own_streams,
)
from trainers.fields import Component, Later, Limits, Natural, NonNegative
from trainers.gallery import pictures
from trainers.model import Model
from trainers.noise import Draw
from trainers.noise_levels import estimate, estimators
from trainers.objectives import Objective
from trainers.trial import Trial

__all__ = ["Redenoising"]

SHOWN = 10


@EVALUATIONS.register("redenoising")
@dataclass(frozen=True, kw_only=True)
class Redenoising(Component):
    """E‖x − x̂(y)‖² and E‖x − x̂(x̂(y))‖² of the same noisy examples, with their pictures.

    The second estimate takes the first for noisy data, as in two-step NEBULA: for an energy it is
    a second step of σ² down the gradient. It sharpens pictures, and may change style and class.
    Squared data units per example, with the standard error sd/√n. Latent noise is drawn anew for
    each estimate.

    Metrics ``redenoise/1``, ``redenoise/2`` ... and ``redenoise/1_se`` ...; ``redenoise/moved``
    is E‖x̂(y) − x̂(x̂(y))‖² of the last two. The table has a row for each estimate. The picture
    shows clean, noisy and denoised examples, one row for each estimate.

    Parameters
    ----------
    sigma : of Gaussian noise, in data units (0: the noise that the model itself imagines).
    times : how many estimates. examples : how many test examples, the first ones (0: all).
    images : places of test examples, from 0 on, that are taken in place of the first ones.

    References
    ----------
    Saremi 2020, arXiv:2007.15130, Sec. 3.3.1 and Fig. 2d.
    """

    reference: ClassVar[str] = "Saremi 2020, arXiv:2007.15130, Sec. 3.3.1"

    sigma: NonNegative = 0.0
    times: Annotated[int, Limits(ge=2)] = 2
    examples: Natural = 1000
    images: Annotated[tuple[Natural, ...], Later()] = ()

    def check(self, trial: Trial) -> None:
        """Every model can be asked."""

    def _within(self, count: int) -> tuple[int, ...]:
        beyond = [place for place in self.images if place >= count]
        if beyond:
            raise InvalidValue(
                f"`images` names {beyond[0]}, and the last test example is {count - 1}"
            )
        return self.images

    def evaluate(
        self, trial: Trial, objective: Objective, model: Model, cache: Path | None = None
    ) -> Evaluation:
        x, _ = first_examples(trial, model, 0 if self.images else self.examples)
        if self.images:
            x = x[list(self._within(len(x)))]
        streams, way = own_streams(trial, model), estimators(objective, model)[0]
        noise = GaussianNoise(sigma=self.sigma) if self.sigma else objective.noise_model(model)
        path = [noise(x, streams.draw(Draw("evaluation", tuple(x.shape), noise.noise), x.dtype))]
        for _ in range(self.times):
            path.append(estimate(objective, model, path[-1], streams, way))
        table: list[dict[str, Any]] = []
        metrics: dict[str, float] = {}
        for number, xhat in enumerate(path[1:], 1):
            loss, error = mean_and_error((x - xhat).square().sum(-1))
            metrics |= {f"redenoise/{number}": loss, f"redenoise/{number}_se": error}
            table.append({"estimate": number, "denoise": loss, "denoise_se": error})
        metrics["redenoise/moved"] = mean_and_error((path[-1] - path[-2]).square().sum(-1))[0]
        return Evaluation(metrics, table, _picture([x, *path], trial))


def _picture(rows: list[Tensor], trial: Trial) -> dict[str, Any]:
    """Empty if the data are not images."""
    if len(trial.data.shape) != 3 or trial.data.value_range is None:
        return {}
    return {"redenoising": np.stack([pictures(row[:SHOWN], trial) for row in rows])}
