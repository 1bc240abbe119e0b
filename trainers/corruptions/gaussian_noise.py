"""Additive Gaussian noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from jaxtyping import Float
from torch import Tensor

from trainers.corruptions import CORRUPTIONS
from trainers.fields import Component, Scale

__all__ = ["GaussianNoise"]


@CORRUPTIONS.register("gaussian")
@dataclass(frozen=True, kw_only=True)
class GaussianNoise(Component):
    """Additive Gaussian noise: x̃ = x + σ ε, ε ~ N(0, I).

    Parameters
    ----------
    sigma : σ > 0, in data units.

    References
    ----------
    Saremi 2020, arXiv:2005.09047, Sec. 3.
    """

    reference: ClassVar[str] = "Saremi 2020, arXiv:2005.09047, Sec. 3"
    noise: ClassVar[Literal["normal", "uniform"]] = "normal"
    support: ClassVar[tuple[float, float] | None] = None

    sigma: Scale

    def __call__(
        self, x: Float[Tensor, "*batch dims"], noise: Float[Tensor, "*batch dims"]
    ) -> Float[Tensor, "*batch dims"]:
        return x + self.sigma * noise
