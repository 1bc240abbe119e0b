"""An evaluation: how far the posterior means spread."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from trainers.errors import Incompatible
from trainers.evaluations import EVALUATIONS, Evaluation, first_examples
from trainers.fields import Component, Natural
from trainers.model import Model
from trainers.objectives import Objective
from trainers.registry import name_of
from trainers.trial import Trial


# The name that a grid writes: `evaluate: [{spread: {examples: 100}}]`.
@EVALUATIONS.register("spread")
@dataclass(frozen=True, kw_only=True)
class Spread(Component):
    """Standard deviation of the posterior means over test examples, in units of the prior's.

    Metric ``spread``, the mean over latent units; the table has a row for each unit.

    Parameters
    ----------
    examples : how many test examples, the first ones (0: all).
    """

    reference: ClassVar[str] = "where it comes from: authors, year, arXiv number"

    examples: Natural = 0

    def check(self, trial: Trial) -> None:
        # refuse the models that cannot be asked, and say what can
        if trial.objective.network != "autoencoder":
            raise Incompatible(
                f"the spread is one of latent units, and the objective "
                f"{name_of(trial.objective)!r} has none; evaluate 'denoising'"
            )

    def evaluate(
        self, trial: Trial, objective: Objective, model: Model, cache: Path | None = None
    ) -> Evaluation:
        x, _ = first_examples(trial, model, self.examples)
        mean, _ = model.encode(x)
        spread = mean.double().std(0, correction=0)
        table = [{"unit": unit, "spread": value} for unit, value in enumerate(spread.tolist())]
        return Evaluation({"spread": float(spread.mean())}, table)
