"""Accuracy of a classifier on denoised examples."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from torch import Tensor

from trainers.classifier import STEPS, reference_classifier, require_labels
from trainers.evaluations import (
    EVALUATIONS,
    Evaluation,
    first_examples,
    mean_and_error,
    own_streams,
)
from trainers.fields import Component, Count, Fraction, Natural, Positive
from trainers.model import Model
from trainers.noise_levels import check_levels, estimate, estimators, levels_of
from trainers.objectives import Objective
from trainers.trial import Trial

__all__ = ["Classification"]


@EVALUATIONS.register("classification")
@dataclass(frozen=True, kw_only=True)
class Classification(Component):
    """Accuracy of a reference classifier on denoised examples x̂(y), against the noise level.

    The classifier is a small ConvNet that is trained once for each data set, on clean examples,
    and is equal for all trials (`trainers.classifier`). Accuracies are shares of the test
    examples, with the standard error √(a(1 − a)/(n − 1)).

    Metrics ``accuracy/clean`` (on the clean x of these examples, a reference for a perfect
    denoiser), ``accuracy/reference`` (on all clean test examples), ``accuracy/gaussian/0.5`` (on
    x̂(y), with latent noise if the model has latents), the same with ``_se``, and
    ``accuracy/gaussian/0.5_mean`` (from the posterior mean) ... The table has a row for each
    noise, level and estimator, with ``noisy``, the classifier's accuracy on y, without the
    denoiser.

    Parameters
    ----------
    gaussian, laplace : σ and α, in data units. salt_and_pepper : probabilities p.
    examples : how many test examples, the first ones (0: all).
    steps : training steps of the classifier.

    References
    ----------
    Saremi 2020, arXiv:2005.09047, Sec. 5 and Fig. 2-6 (robustness, shown there by pictures).
    """

    reference: ClassVar[str] = "Saremi 2020, arXiv:2005.09047, Sec. 5"

    gaussian: tuple[Positive, ...] = (0.1, 0.3, 0.5, 0.7, 0.9)
    laplace: tuple[Positive, ...] = (0.1, 0.3, 0.5, 0.7, 0.9)
    salt_and_pepper: tuple[Fraction, ...] = (0.1, 0.3, 0.5)
    examples: Natural = 1000
    steps: Count = STEPS

    def check(self, trial: Trial) -> None:
        check_levels(self, trial)
        require_labels(trial.data)

    def evaluate(
        self, trial: Trial, objective: Objective, model: Model, cache: Path | None = None
    ) -> Evaluation:
        x, labels = first_examples(trial, model, self.examples)
        assert labels is not None
        classifier = reference_classifier(trial.data, self.steps, cache)

        def accuracy(shown: Tensor) -> tuple[float, float]:
            return mean_and_error((classifier.predict(shown) == labels).double())

        metrics = {"accuracy/clean": accuracy(x)[0], "accuracy/reference": classifier.accuracy}
        table: list[dict[str, Any]] = []
        streams = own_streams(trial, model)
        for level in levels_of(self):
            y = level.of(x, streams)
            noisy = accuracy(y)[0]
            for place, way in enumerate(estimators(objective, model)):
                share, error = accuracy(estimate(objective, model, y, streams, way))
                name = f"accuracy/{level.name}" + (f"_{way}" if place else "")
                metrics |= {name: share, f"{name}_se": error}
                table.append(
                    {
                        "noise": level.noise,
                        "level": level.level,
                        "estimator": way,
                        "accuracy": share,
                        "accuracy_se": error,
                        "noisy": noisy,
                        "clean": metrics["accuracy/clean"],
                        "examples": len(x),
                    }
                )
        return Evaluation(metrics, table)
