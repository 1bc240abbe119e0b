"""Bernoulli noise: flipped pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from trainers.corruptions import CORRUPTIONS
from trainers.fields import Component, Rate

__all__ = ["BernoulliNoise"]


@CORRUPTIONS.register("bernoulli")
@dataclass(frozen=True, kw_only=True)
class BernoulliNoise(Component):
    """With probability p a pixel x becomes 1 − x; else it stays.

    For x in {0, 1}^d there are 2^d corrupted images, so that q̃(z|x) = E q(z|x̃) is a mixture of
    2^d Gaussians. E x̃ = x + p (1 − 2x), in data units.

    Parameters
    ----------
    p : probability of a flipped pixel.

    References
    ----------
    Im et al. 2017, arXiv:1511.06406, Example 1 and Eq. 5.
    """

    reference: ClassVar[str] = "Im et al. 2017, arXiv:1511.06406, Example 1"
    noise: ClassVar[Literal["normal", "uniform"]] = "uniform"
    support: ClassVar[tuple[float, float] | None] = (0.0, 1.0)

    p: Rate

    def __call__(
        self, x: Float[Tensor, "*batch dims"], noise: Float[Tensor, "*batch dims"]
    ) -> Float[Tensor, "*batch dims"]:
        return torch.where(noise < self.p, 1 - x, x)
