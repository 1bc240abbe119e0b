"""The bounds of the denoising criterion, estimated from the same samples."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

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
from trainers.fields import Component, Count, Limits, Natural
from trainers.model import Model
from trainers.noise import Draw, Streams
from trainers.objectives import Objective
from trainers.posterior import PosteriorSamples, infer
from trainers.trial import Trial

__all__ = ["Bounds"]

BATCH = 20
NAMES = ("dvae", "cvae", "cvae_upper", "log_p", "cvae_minus_dvae", "log_p_minus_cvae")


@EVALUATIONS.register("bounds")
@dataclass(frozen=True, kw_only=True)
class Bounds(Component):
    """L_dvae, L_cvae and log p(x) of a model with a corrupted input, in nats per example.

    L_dvae = E_{p(x̃|x)} E_{q(z|x̃)} log p(x, z)/q(z|x̃), L_cvae = E_{q̃(z|x)} log p(x, z)/q̃(z|x)
    with q̃(z|x) = E_{p(x̃|x)} q(z|x̃), normalising constants included. The order is
    **log p(x) ≥ L_cvae ≥ L_dvae**, since L_cvae − L_dvae = E KL(q(z|x̃) ‖ q̃(z|x)) ≥ 0. Lemma 1
    and Eq. 9 of Im et al. state L_dvae ≥ L_cvae, which contradicts their Proposition 2,
    log p(x) = L_dvae + E_{p(x̃|x)} KL(q(z|x̃) ‖ p(z|x)).

    q̃ is estimated by the mean of q(z|x̃) over the m views x̃ that z may come from: with z's own
    view among them the estimate of L_cvae lies between L_dvae and L_cvae in expectation
    (``cvae``), without it above L_cvae (``cvae_upper``), and both tend to it as m grows.
    ``log_p`` is the log of the mean weight p(x, z)/q̃(z|x) over all m·k samples: below log p(x)
    in expectation. So the three lower bounds are estimated in their true order.

    Metrics ``bounds/dvae`` ... of these four, ``bounds/cvae_minus_dvae`` and
    ``bounds/log_p_minus_cvae`` (from the same samples, so with smaller errors), and of each its
    Monte-Carlo standard error at these examples (``_se``), from two independent repetitions. The
    table has a row for each, with ``examples_se``, the standard error as an estimate for all data.

    Parameters
    ----------
    m : corrupted views of each example. k : latents of each view.
    examples : how many test examples, the first ones (0: all).

    References
    ----------
    Im et al. 2017, arXiv:1511.06406, Eq. 7-10 (with the order of Eq. 9 corrected).
    """

    reference: ClassVar[str] = "Im et al. 2017, arXiv:1511.06406, Eq. 7-10 (Eq. 9 put right)"

    m: Annotated[int, Limits(ge=2)] = 50
    k: Count = 4
    examples: Natural = 500

    def check(self, trial: Trial) -> None:
        if trial.corrupts != "input":
            raise Incompatible(
                "the bounds of the denoising criterion differ only where the "
                "encoder sees a corrupted input: ask a dvae or diwae, or evaluate "
                "'nll'"
            )

    def evaluate(
        self, trial: Trial, objective: Objective, model: Model, cache: Path | None = None
    ) -> Evaluation:
        x, _ = first_examples(trial, model, self.examples)
        streams = own_streams(trial, model)
        first, second = (
            torch.cat(
                [self._bounds(model, part, streams) for part in torch.split(x, BATCH)], dim=-1
            )
            for _ in range(2)
        )
        errors = (0.25 * (first - second).square().sum(-1)).sqrt() / len(x)
        metrics: dict[str, float] = {}
        table = []
        for name, values, error in zip(
            NAMES, 0.5 * (first + second), errors.tolist(), strict=True
        ):
            mean, examples_error = mean_and_error(values)
            metrics |= {f"bounds/{name}": mean, f"bounds/{name}_se": error}
            table.append(
                {"bound": name, "value": mean, "se": error, "examples_se": examples_error}
            )
        return Evaluation(metrics, table)

    def _bounds(self, model: Model, x: Tensor, streams: Streams) -> Float[Tensor, "bounds batch"]:
        """The quantities of `NAMES` for each example."""
        assert model.corruption is not None
        noise = Draw("evaluation", (self.m, *x.shape), model.corruption.noise)
        latent = Draw("evaluation", (self.k, self.m, len(x), model.d_z))
        samples = infer(model, x, streams.draw(latent, x.dtype), streams.draw(noise, x.dtype))
        joint = samples.log_prob.double() + model.observation.constant(model.dims)
        joint = joint + _log_normal(samples.z.double()).sum(-1)
        own, among, others = _log_posteriors(samples)
        dvae, cvae, upper = ((joint - log_q).mean((0, 1)) for log_q in (own, among, others))
        log_p = (joint - among).logsumexp((0, 1)) - math.log(self.m * self.k)
        return torch.stack([dvae, cvae, upper, log_p, cvae - dvae, log_p - cvae])


def _log_posteriors(samples: PosteriorSamples) -> tuple[Tensor, Tensor, Tensor]:
    """log q(z|x̃) for z's own view, for the mean over all views, and over the other views.

    Each has shape (k, m, batch). Squares are expanded, in float64, so that no tensor of shape
    (k·m, m, latent) is needed.
    """
    z, mean = samples.z.double(), samples.mean.double()
    precision = (-samples.log_var.double()).exp()
    squares = (
        torch.einsum("kmbz,jbz->kmjb", z.square(), precision)
        - 2 * torch.einsum("kmbz,jbz->kmjb", z, precision * mean)
        + (precision * mean.square()).sum(-1)
    )
    constant = samples.log_var.double().sum(-1) + z.shape[-1] * math.log(2 * math.pi)
    log_q = -0.5 * (squares + constant)
    m = len(mean)
    own = log_q.diagonal(dim1=1, dim2=2).movedim(-1, 1)
    same = torch.eye(m, dtype=torch.bool, device=z.device).unsqueeze(-1)
    among = log_q.logsumexp(2) - math.log(m)
    return own, among, log_q.masked_fill(same, -math.inf).logsumexp(2) - math.log(m - 1)


def _log_normal(z: Tensor) -> Tensor:
    return -0.5 * (z.square() + math.log(2 * math.pi))
