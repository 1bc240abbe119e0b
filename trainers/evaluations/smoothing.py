"""Accuracy certified by randomized smoothing."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import torch
from jaxtyping import Float, Int
from scipy.special import betaincinv, log_ndtr, ndtri
from torch import Tensor

from trainers.classifier import STEPS, Classifier, reference_classifier, require_labels
from trainers.errors import InvalidValue
from trainers.evaluations import (
    EVALUATIONS,
    Evaluation,
    first_examples,
    mean_and_error,
    own_streams,
)
from trainers.fields import Component, Count, Limits, Natural, Positive
from trainers.model import Model
from trainers.noise import Draw, Streams
from trainers.noise_levels import estimate, estimators
from trainers.objectives import Objective
from trainers.trial import Trial

__all__ = ["Certificate", "Smoothing", "certify", "lower_bound"]

Classify = Callable[[Tensor], Tensor]
AT_ONCE = 10_000  # copies that are drawn together: 120 MB of CIFAR-10


@dataclass(frozen=True)
class Certificate:
    """The certificate of one example: class `guess` within an L2 ball of `radius` (data units).

    `p_lower` is the lower confidence bound of the class's probability under noise. At ½ or less
    the smoothed classifier abstains, and `radius` is 0.
    """

    guess: int
    p_lower: float
    radius: float

    @property
    def abstains(self) -> bool:
        return self.p_lower <= 0.5


@EVALUATIONS.register("smoothing")
@dataclass(frozen=True, kw_only=True)
class Smoothing(Component):
    """Certified accuracy of g(x) = argmax_c P(classifier(x̂(x + σε)) = c), ε ~ N(0, I).

    The guess is the most frequent class of n0 noisy copies of x; the bound p is the
    Clopper-Pearson lower confidence limit, at level 1 − α, of the guess's share of n other
    copies. If p > ½, no x' within σΦ⁻¹(p) of x (L2, data units) changes the guess; otherwise g
    abstains. Each certificate is wrong with probability at most α. This holds for any denoiser;
    a VAE draws one latent for each copy.

    The classifier is the data set's reference classifier, trained on clean examples; that of
    ``smoothing_xhat`` is trained on the denoised ones.

    Metrics ``certified/0.5`` ... : the share of examples that are guessed right with a certified
    radius of at least that, ``certified/0.5_se``; ``smoothing/accuracy`` (guessed right, not
    abstained), ``smoothing/abstained``, ``smoothing/radius`` (mean over examples; 0 where the
    guess is wrong), ``smoothing/reference`` (the classifier on all clean test examples). The table
    has a row for each example.

    Parameters
    ----------
    sigma : σ, in data units. radii : in data units. n0, n : noisy copies to guess, and to bound.
    alpha : probability that a certificate is wrong.
    examples : how many test examples, the first ones (0: all).
    steps : training steps of the classifier.

    Raises `InvalidValue` without radii, for a radius that n copies cannot certify even if all
    agree, and for n0 > n.

    References
    ----------
    Cohen, Rosenfeld and Kolter 2019, arXiv:1902.02918, Sec. 3.2, with their n0 = 100 and
    α = 0.001 (their n is 100,000); Saremi 2020, arXiv:2005.09047, Sec. 5 (σ = 0.7, radii 0.5 to
    1.5).
    """

    reference: ClassVar[str] = "Cohen et al. 2019, arXiv:1902.02918; Saremi 2020, Sec. 5"
    suffix: ClassVar[str] = ""

    sigma: Positive = 0.7
    radii: tuple[Positive, ...] = (0.5, 0.75, 1.0, 1.25, 1.5)
    n0: Count = 100
    n: Count = 1000
    alpha: Annotated[float, Limits(gt=0, lt=0.5)] = 0.001
    examples: Natural = 100
    steps: Count = STEPS

    def __post_init__(self) -> None:
        super().__post_init__()
        if len({f"{radius:g}" for radius in self.radii}) < max(1, len(self.radii)):
            raise InvalidValue(
                "Smoothing.radii must hold at least one radius, and each once, and "
                f"is {list(self.radii)}"
            )
        top = max(self.radii)
        every = float(log_ndtr(top / self.sigma))  # all n agree with probability e^(n·every)
        least = math.ceil(math.log(self.alpha) / every) if every < 0 else math.inf
        if self.n < least:
            takes = f"at least {least}" if least < 1e9 else "more than can be drawn"
            raise InvalidValue(
                f"Smoothing.n must be {takes} to certify the radius {top:g} at "
                f"σ = {self.sigma:g} and α = {self.alpha:g}, not {self.n}; "
                "smaller radii or a larger sigma take fewer"
            )
        if self.n0 > self.n:
            raise InvalidValue(
                "Smoothing.n0, the copies that only guess the class, must be at "
                f"most the n that bound its probability, not {self.n0} with "
                f"n = {self.n}; the papers have n0 = 100 and n = 100,000"
            )

    def check(self, trial: Trial) -> None:
        require_labels(trial.data)

    def evaluate(
        self, trial: Trial, objective: Objective, model: Model, cache: Path | None = None
    ) -> Evaluation:
        x, labels = first_examples(trial, model, self.examples)
        assert labels is not None
        classifier = self.classifier(trial, objective, model, cache)
        streams, way = own_streams(trial, model), estimators(objective, model)[0]

        def classify(y: Tensor) -> Tensor:
            return classifier.predict(estimate(objective, model, y, streams, way))

        certificates = [certify(classify, example, self, streams) for example in x]
        table = [
            {
                "example": place,
                "label": int(label),
                "guess": one.guess,
                "p_lower": one.p_lower,
                "radius": one.radius,
                "abstains": one.abstains,
            }
            for place, (one, label) in enumerate(zip(certificates, labels, strict=True))
        ]
        metrics = self._summary(certificates, labels)
        reference = {f"smoothing{self.suffix}/reference": classifier.accuracy}
        return Evaluation(metrics | reference, table)

    def classifier(
        self, trial: Trial, objective: Objective, model: Model, cache: Path | None
    ) -> Classifier:
        """The classifier that is smoothed."""
        return reference_classifier(trial.data, self.steps, cache)

    def _summary(
        self, certificates: list[Certificate], labels: Int[Tensor, " batch"]
    ) -> dict[str, float]:
        right = torch.tensor([one.guess for one in certificates]) == labels.cpu()
        radius = torch.tensor([one.radius for one in certificates], dtype=torch.float64)
        abstains = torch.tensor([one.abstains for one in certificates])
        metrics: dict[str, float] = {}
        for wanted in self.radii:
            share, error = mean_and_error((right & (radius >= wanted)).double())
            name = f"certified{self.suffix}/{wanted:g}"
            metrics |= {name: share, f"{name}_se": error}
        summary = {
            "accuracy": float((right & ~abstains).double().mean()),
            "abstained": float(abstains.double().mean()),
            "radius": float((right * radius).mean()),
        }
        return metrics | {
            f"smoothing{self.suffix}/{name}": value for name, value in summary.items()
        }


def certify(
    classify: Classify, x: Float[Tensor, " dims"], smoothing: Smoothing, streams: Streams
) -> Certificate:
    """Certify `x` from the classes (integers from 0) that `classify` gives its noisy copies."""

    def counts(copies: int) -> Counter[int]:
        found: Counter[int] = Counter()
        for start in range(0, copies, AT_ONCE):
            shape = (min(AT_ONCE, copies - start), len(x))
            noise = streams.draw(Draw("evaluation", shape), x.dtype)
            found.update(classify(x + smoothing.sigma * noise).tolist())
        return found

    first = counts(smoothing.n0)
    guess = max(first, key=lambda label: (first[label], -label))
    p_lower = lower_bound(counts(smoothing.n)[guess], smoothing.n, smoothing.alpha)
    radius = smoothing.sigma * float(ndtri(p_lower)) if p_lower > 0.5 else 0.0
    return Certificate(guess, p_lower, radius)


def lower_bound(successes: int, n: int, alpha: float) -> float:
    """Clopper-Pearson lower limit: the p at which P(`successes` or more of n) = α."""
    return float(betaincinv(successes, n - successes + 1, alpha)) if successes else 0.0
