"""Gaussian noise whose level is learned."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from trainers.corruptions import CORRUPTIONS
from trainers.corruptions.gaussian_noise import GaussianNoise
from trainers.fields import Component, Scale, from_checked
from trainers.networks import flat_size

__all__ = ["LearnableGaussian"]


@CORRUPTIONS.register("learnable_gaussian")
@dataclass(frozen=True, kw_only=True)
class LearnableGaussian(Component):
    """Additive Gaussian noise with a learned level: x̃ = x + e^s ε, ε ~ N(0, I), s trained.

    s is trained by the reparameterised gradient of the bound. The denoising bound is linear in
    p(x̃|x), so the corruption that maximises it is a point mass: the rate is expected to decrease
    towards zero. The metric ``rate`` is σ = e^s, averaged over dimensions, in data units.

    Parameters
    ----------
    sigma : initial σ, in data units. per_pixel : one level for each dimension.

    References
    ----------
    Im et al. 2017, arXiv:1511.06406, Sec. 3, Example 2 (where a learned rate is proposed).
    """

    reference: ClassVar[str] = "Im et al. 2017, arXiv:1511.06406, Sec. 3, Example 2"
    noise: ClassVar[Literal["normal", "uniform"]] = "normal"
    support: ClassVar[tuple[float, float] | None] = None

    sigma: Scale = 0.1
    per_pixel: bool = False

    def build(self, shape: tuple[int, ...]) -> nn.Module:
        size = (flat_size(shape),) if self.per_pixel else ()
        return nn.ParameterDict({"log_sigma": torch.full(size, math.log(self.sigma))})

    def at(self, params: Mapping[str, Tensor]) -> GaussianNoise:
        return from_checked(GaussianNoise, sigma=params["log_sigma"].exp())

    def rate(self, params: Mapping[str, Tensor]) -> Float[Tensor, ""]:
        return params["log_sigma"].exp().mean()

    def __call__(
        self, x: Float[Tensor, "*batch dims"], noise: Float[Tensor, "*batch dims"]
    ) -> Float[Tensor, "*batch dims"]:
        return x + self.sigma * noise
