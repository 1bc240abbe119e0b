"""Additive Laplace noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from trainers.corruptions import CORRUPTIONS
from trainers.fields import Component, Scale

__all__ = ["LaplaceNoise"]


@CORRUPTIONS.register("laplace")
@dataclass(frozen=True, kw_only=True)
class LaplaceNoise(Component):
    """Additive Laplace noise: x̃ = x + α ε, p(ε) = ½ exp(−|ε|) for each dimension.

    ε is the inverse distribution function of a uniform number: −sign(c)·log(1 − 2|c|), where
    c = u − ½.

    Parameters
    ----------
    alpha : α > 0, in data units.

    References
    ----------
    Saremi 2020, arXiv:2005.09047, Fig. 2e.
    """

    reference: ClassVar[str] = "Saremi 2020, arXiv:2005.09047, Fig. 2e"
    noise: ClassVar[Literal["normal", "uniform"]] = "uniform"
    support: ClassVar[tuple[float, float] | None] = None

    alpha: Scale

    def __call__(
        self, x: Float[Tensor, "*batch dims"], noise: Float[Tensor, "*batch dims"]
    ) -> Float[Tensor, "*batch dims"]:
        centred = noise - 0.5
        tail = (1 - 2 * centred.abs()).clamp_min(torch.finfo(noise.dtype).tiny)
        return x - self.alpha * centred.sign() * tail.log()
