"""Bernoulli decoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from trainers.corruptions.gaussian_noise import GaussianNoise
from trainers.fields import Component
from trainers.likelihoods import LIKELIHOODS, Readout
from trainers.softplus import softplus

__all__ = ["Bernoulli"]

IMAGINED_SIGMA = 0.1


@LIKELIHOODS.register("bernoulli")
@dataclass(frozen=True, kw_only=True)
class Bernoulli(Component):
    """Independent pixels: p(x|z) = Π x̂ᵢ^xᵢ (1 − x̂ᵢ)^(1−xᵢ), with x̂ = sigmoid(u(z)).

    log p(x|z) = Σ (xᵢ uᵢ − log(1 + e^uᵢ)), from the logits u, so that no x̂ is rounded to 0 or 1;
    the network's own readout plays no part. The normalising constant is 0 for binary x. For
    grey x in [0, 1] this is the usual cross-entropy, which is no log-density.

    It imagines no additive noise. Where a denoiser needs one all the same (the ``denoise``
    metric), it is Gaussian with σ = 0.1.

    References
    ----------
    Kingma and Welling 2014, arXiv:1312.6114, App. C.1; Saremi 2020, arXiv:2005.09047, Fig. 2c.
    """

    reference: ClassVar[str] = "Kingma and Welling 2014, arXiv:1312.6114, App. C.1"
    outputs: ClassVar[int] = 1
    support: ClassVar[tuple[float, float] | None] = (0.0, 1.0)

    def log_prob(
        self, x: Float[Tensor, "batch dims"], u: Float[Tensor, "batch 1 dims"], readout: Readout
    ) -> Float[Tensor, " batch"]:
        logits = u.squeeze(-2)
        return (x * logits - softplus(logits)).sum(-1)

    def constant(self, dims: int) -> Float[Tensor, ""] | float:
        return 0.0

    def mean(
        self, u: Float[Tensor, "batch 1 dims"], readout: Readout
    ) -> Float[Tensor, "batch dims"]:
        return torch.sigmoid(u.squeeze(-2))

    def distance(
        self, x: Float[Tensor, "batch dims"], xhat: Float[Tensor, "batch dims"]
    ) -> Float[Tensor, " batch"]:
        return (x - xhat).square().sum(-1)

    def imagined(self) -> GaussianNoise:
        return GaussianNoise(sigma=IMAGINED_SIGMA)
