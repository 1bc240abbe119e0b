"""A likelihood: Student's t around the decoder's mean."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from trainers.corruptions.gaussian_noise import GaussianNoise
from trainers.fields import Component, Positive, Scale, from_checked
from trainers.likelihoods import LIKELIHOODS, Readout


# The name that a grid writes: `{objective: elbo, likelihood: student, scale: 0.1}`.
@LIKELIHOODS.register("student")
@dataclass(frozen=True, kw_only=True)
class Student(Component):
    """p(x|z) is a product of Student t distributions with mean x̂(z).

    Parameters
    ----------
    scale : of each dimension, in data units. freedom : degrees of freedom, more than 2.
    """

    reference: ClassVar[str] = "Takahashi et al. 2018, IJCAI (Student-t VAE)"
    outputs: ClassVar[int] = 1  # numbers that the decoder gives for each dimension
    support: ClassVar[tuple[float, float] | None] = None  # data may lie anywhere

    scale: Scale  # may differ between the members of a pack
    freedom: Positive = 5.0

    def log_prob(
        self, x: Float[Tensor, "batch dims"], u: Float[Tensor, "batch 1 dims"], readout: Readout
    ) -> Float[Tensor, " batch"]:
        squares = ((x - self.mean(u, readout)) / self.scale).square()
        return -0.5 * (self.freedom + 1) * torch.log1p(squares / self.freedom).sum(-1)

    def constant(self, dims: int) -> Float[Tensor, ""] | float:
        half = self.freedom / 2
        gammas = math.lgamma(half + 0.5) - math.lgamma(half)
        scale = torch.log(torch.as_tensor(self.scale, dtype=torch.float64))
        return dims * (gammas - 0.5 * math.log(self.freedom * math.pi) - scale)

    def mean(
        self, u: Float[Tensor, "batch 1 dims"], readout: Readout
    ) -> Float[Tensor, "batch dims"]:
        return readout(u.squeeze(-2))

    def distance(
        self, x: Float[Tensor, "batch dims"], xhat: Float[Tensor, "batch dims"]
    ) -> Float[Tensor, " batch"]:
        return (x - xhat).square().sum(-1)

    def imagined(self) -> GaussianNoise:
        return from_checked(GaussianNoise, sigma=self.scale)
