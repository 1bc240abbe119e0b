"""The negative log-likelihood, estimated by importance weighting."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from trainers.errors import Incompatible
from trainers.evaluations import (
    EVALUATIONS,
    Evaluation,
    first_examples,
    mean_and_error,
    own_streams,
)
from trainers.fields import Component, Count, Natural
from trainers.model import Model
from trainers.noise import Draw, Streams
from trainers.objectives import OBJECTIVES, Objective
from trainers.posterior import infer
from trainers.registry import name_of
from trainers.trial import Trial

__all__ = ["Nll", "Weights"]

BATCH = 100
LATENTS = 5000


@EVALUATIONS.register("nll")
@dataclass(frozen=True, kw_only=True)
class Nll(Component):
    """Negative log-likelihood −log p(x) ≈ −log 1/k Σ p(x, z)/q(z|x), z ~ q(z|x), in nats.

    Per example, with the normalising constant, so that models with different σ may be compared
    (for a Bernoulli likelihood on grey data it is not a log-density). The estimate is above the
    true value in expectation, by about half its squared error, and converges to it as k grows. An
    encoder whose input was corrupted in training gets a new view x̃ ~ p(x̃|x) for every sample,
    since E p(x, z)/q(z|x̃) = p(x) for every view, and the encoder was not trained on clean x. For
    a model of noisy data the result is −log p(y).

    Metrics: ``nll``; ``nll_se``, its Monte-Carlo standard error at these examples (delta method:
    sd(w)/(w̄√k) for each); ``nll_examples_se``, its standard error as an estimate for all data
    (sd/√n over examples, Monte-Carlo error included); ``nll_ess``, the mean effective sample size
    (Σw)²/Σw², and ``nll_ess_min``, its minimum over examples. If that is near 1, one sample
    dominates the estimate, whose error then is larger than stated. The table has the estimate for
    1, 10, 100 ... and k samples.

    Parameters
    ----------
    k : latent samples of each example (5000 in the papers).
    examples : how many test examples, the first ones (0: all).

    References
    ----------
    Burda, Grosse and Salakhutdinov 2015, arXiv:1509.00519, Sec. 5; Rezende et al. 2014, App. E.
    """

    reference: ClassVar[str] = "Burda et al. 2015, arXiv:1509.00519, Sec. 5"

    k: Count = 500
    examples: Natural = 1000

    def check(self, trial: Trial) -> None:
        if not trial.objective.likelihood:
            known = [name for name in OBJECTIVES if OBJECTIVES[name].likelihood]
            raise Incompatible(
                f"the objective {name_of(trial.objective)!r} learns an energy without "
                f"its normalising constant, so no likelihood; ask one of "
                f"{', '.join(known)}, or evaluate 'denoising'"
            )

    def evaluate(
        self, trial: Trial, objective: Objective, model: Model, cache: Path | None = None
    ) -> Evaluation:
        x, _ = first_examples(trial, model, self.examples)
        streams = own_streams(trial, model)
        batches = [list(self._weigh(model, part, streams)) for part in torch.split(x, BATCH)]
        stages = [Weights.joined(stage) for stage in zip(*batches, strict=True)]
        table = [{"k": stage.count, **_summary(stage)} for stage in stages]
        ess = stages[-1].ess
        return Evaluation(
            _summary(stages[-1]) | {"nll_ess": float(ess.mean()), "nll_ess_min": float(ess.min())},
            table,
        )

    def _weigh(self, model: Model, x: Tensor, streams: Streams) -> Iterator[Weights]:
        """The weights of the first 1, 10, 100 ... and of all k samples, one after another."""
        constant, so_far = model.observation.constant(model.dims), Weights.none(x)
        noisy = _noise(model, x, streams, 1) if model.corrupts == "data" else None
        for size in _sizes(self.k, max(1, LATENTS // len(x))):
            latents = (1, size) if model.corrupts == "input" else (size, 1)
            eps = streams.draw(Draw("evaluation", (*latents, len(x), model.d_z)), x.dtype)
            noise = _noise(model, x, streams, size) if model.corrupts == "input" else noisy
            weights = infer(model, x, eps, noise).log_weights.flatten(0, 1)
            so_far = so_far.with_more(weights + constant)
            if so_far.count == self.k or math.log10(so_far.count).is_integer():
                yield so_far


@dataclass(frozen=True)
class Weights:
    """Sums of importance weights w and of their squares for each example, as logarithms."""

    count: int
    log_sum: Float[Tensor, " batch"]
    log_squares: Float[Tensor, " batch"]

    @classmethod
    def none(cls, x: Float[Tensor, "batch dims"]) -> Weights:
        """No samples yet."""
        nothing = torch.full((len(x),), -math.inf, dtype=torch.float64, device=x.device)
        return cls(0, nothing, nothing)

    @classmethod
    def joined(cls, parts: tuple[Weights, ...]) -> Weights:
        """Concatenate the weights of several batches, each with the same number of samples."""
        return cls(
            parts[0].count,
            torch.cat([part.log_sum for part in parts]),
            torch.cat([part.log_squares for part in parts]),
        )

    def with_more(self, log_weights: Float[Tensor, "samples batch"]) -> Weights:
        w = log_weights.double()
        return Weights(
            self.count + len(w),
            torch.logaddexp(self.log_sum, w.logsumexp(0)),
            torch.logaddexp(self.log_squares, (2 * w).logsumexp(0)),
        )

    @property
    def log_mean(self) -> Float[Tensor, " batch"]:
        """log 1/k Σ w: the estimate of log p(x), in nats."""
        return self.log_sum - math.log(self.count)

    @property
    def ess(self) -> Float[Tensor, " batch"]:
        """(Σw)²/Σw², between 1 and k."""
        return (2 * self.log_sum - self.log_squares).exp()

    @property
    def variance(self) -> Float[Tensor, " batch"]:
        """Of `log_mean`, by the delta method: s²(w)/(k w̄²); NaN for one sample."""
        if self.count == 1:
            return torch.full_like(self.log_sum, math.nan)
        return (self.count / self.ess - 1).clamp(min=0) / (self.count - 1)


def _summary(weights: Weights) -> dict[str, Any]:
    nll, error = mean_and_error(-weights.log_mean)
    return {
        "nll": nll,
        "nll_se": float(weights.variance.sum().sqrt()) / len(weights.log_sum),
        "nll_examples_se": error,
    }


def _noise(model: Model, x: Tensor, streams: Streams, views: int) -> Tensor | None:
    """The noise of the corruption for `views` views; None if the input is not corrupted."""
    if model.corruption is None:
        return None
    return streams.draw(Draw("evaluation", (views, *x.shape), model.corruption.noise), x.dtype)


def _sizes(k: int, most: int) -> Iterator[int]:
    """Chunk sizes of at most `most` that sum to k and whose partial sums hit every power of 10."""
    done, goal = 0, 1
    while done < k:
        size = min(most, min(goal, k) - done)
        yield size
        done += size
        if done == goal:
            goal *= 10
