"""Accuracy certified by randomized smoothing of a classifier that is trained on x̂(Y)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from torch import Tensor

from trainers.classifier import Classifier, classifier_of
from trainers.evaluations import EVALUATIONS
from trainers.evaluations.smoothing import Smoothing
from trainers.model import Model
from trainers.noise import Draw, Streams
from trainers.noise_levels import estimate, estimators
from trainers.objectives import Objective
from trainers.samplers import floats
from trainers.trial import Trial

__all__ = ["SmoothingXhat"]

TRAINING = -2  # of the noise streams: other numbers than those of the certificates


@EVALUATIONS.register("smoothing_xhat")
@dataclass(frozen=True, kw_only=True)
class SmoothingXhat(Smoothing):
    """`smoothing` with a classifier that is trained on this model's x̂(y), y = x + σε.

    The classifier has the layers, steps and rate of the reference classifier. It sees in training
    what it sees when it is smoothed, as in the work that the paper compares with; the clean
    reference classifier of ``smoothing`` tells more of the denoiser alone. Training it takes one
    x̂ of each batch, for every trial anew.

    Metrics are those of ``smoothing`` by the names ``certified_xhat/0.5`` ... and
    ``smoothing_xhat/accuracy`` ...; ``smoothing_xhat/reference`` is the classifier's accuracy on
    x̂(y) of all test examples.

    References
    ----------
    Saremi and Srivastava 2020, provably robust classification by learned smoothed densities
    (XHAT); Saremi 2020, arXiv:2005.09047, Sec. 5.
    """

    reference: ClassVar[str] = "Saremi 2020, arXiv:2005.09047, Sec. 5, after Saremi and Srivastava"
    suffix: ClassVar[str] = "_xhat"

    def classifier(
        self, trial: Trial, objective: Objective, model: Model, cache: Path | None
    ) -> Classifier:
        like, way = floats(model), estimators(objective, model)[0]
        latents = Streams(trial.seed, TRAINING, like.device)

        def seen(x: Tensor, streams: Streams) -> Tensor:
            noise = streams.draw(Draw("corruption", tuple(x.shape)), x.dtype)
            y = (x + self.sigma * noise).to(like.device, like.dtype)
            return estimate(objective, model, y, latents, way).to(x)

        return classifier_of(trial.data, self.steps, seen)
