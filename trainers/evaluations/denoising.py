"""Denoising loss at several levels of several kinds of noise."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from torch import Tensor

from trainers.evaluations import (
    EVALUATIONS,
    Evaluation,
    first_examples,
    mean_and_error,
    own_streams,
)
from trainers.fields import Component, Fraction, Natural, Positive
from trainers.gallery import pictures
from trainers.model import Model
from trainers.noise_levels import check_levels, estimate, estimators, levels_of
from trainers.objectives import Objective
from trainers.trial import Trial

__all__ = ["Denoising"]

SHOWN = 10


@EVALUATIONS.register("denoising")
@dataclass(frozen=True, kw_only=True)
class Denoising(Component):
    """Denoising loss E‖x − x̂(y)‖² against the noise level, for three kinds of noise.

    Squared data units per example: summed over dimensions, averaged over test examples, with the
    standard error sd/√n of that mean. VAEs and UVB have two estimators: with latent noise
    (``sample``: one z ~ q(z|y) of a VAE) and from the posterior mean of the latents (``mean``).

    Metrics ``denoise/gaussian/0.5`` (with latent noise, if the model has latents), the same with
    ``_se``, and ``denoise/gaussian/0.5_mean`` ... The table has a row for each noise, level and
    estimator, with ``noise_energy``, the mean of ‖x − y‖², which is the loss of x̂(y) = y. The
    pictures show clean examples, then noisy and denoised ones at each level.

    Parameters
    ----------
    gaussian, laplace : σ and α, in data units. salt_and_pepper : probabilities p.
    examples : how many test examples, the first ones (0: all).

    References
    ----------
    Saremi 2020, arXiv:2005.09047, Fig. 2-6; Saremi 2020, arXiv:2007.15130, Sec. 3.3.
    """

    reference: ClassVar[str] = "Saremi 2020, arXiv:2005.09047, Fig. 2-6"

    gaussian: tuple[Positive, ...] = (0.1, 0.3, 0.5, 0.7, 0.9)
    laplace: tuple[Positive, ...] = (0.1, 0.3, 0.5, 0.7, 0.9)
    salt_and_pepper: tuple[Fraction, ...] = (0.1, 0.3, 0.5)
    examples: Natural = 1000

    def check(self, trial: Trial) -> None:
        check_levels(self, trial)

    def evaluate(
        self, trial: Trial, objective: Objective, model: Model, cache: Path | None = None
    ) -> Evaluation:
        x, _ = first_examples(trial, model, self.examples)
        streams = own_streams(trial, model)
        table: list[dict[str, Any]] = []
        metrics: dict[str, float] = {}
        rows: dict[str, list[Tensor]] = {}
        for level in levels_of(self):
            y = level.of(x, streams)
            for place, way in enumerate(estimators(objective, model)):
                xhat = estimate(objective, model, y, streams, way)
                loss, error = mean_and_error((x - xhat).square().sum(-1))
                name = f"denoise/{level.name}" + (f"_{way}" if place else "")
                metrics |= {name: loss, f"{name}_se": error}
                table.append(
                    {
                        "noise": level.noise,
                        "level": level.level,
                        "estimator": way,
                        "denoise": loss,
                        "denoise_se": error,
                        "examples": len(x),
                        "noise_energy": mean_and_error((x - y).square().sum(-1))[0],
                    }
                )
                if place == 0:
                    rows.setdefault(level.noise, [x]).extend([y, xhat])
        return Evaluation(metrics, table, _pictures(rows, trial))


def _pictures(rows: dict[str, list[Tensor]], trial: Trial) -> dict[str, npt.NDArray[Any]]:
    """One picture for each kind of noise; empty if the data are not images."""
    if len(trial.data.shape) != 3 or trial.data.value_range is None:
        return {}
    return {
        noise: np.stack([pictures(values[:SHOWN], trial) for values in found])
        for noise, found in rows.items()
    }
