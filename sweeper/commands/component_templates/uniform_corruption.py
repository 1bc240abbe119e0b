"""A corruption: additive uniform noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from jaxtyping import Float
from torch import Tensor

from trainers.corruptions import CORRUPTIONS
from trainers.fields import Component, Scale


# The name that a grid writes: `corruption: {name: uniform, width: 0.2}`.
@CORRUPTIONS.register("uniform")
@dataclass(frozen=True, kw_only=True)
class UniformNoise(Component):
    """Additive noise x̃ = x + width · (u − ½), u ~ Unif[0, 1).

    Parameters
    ----------
    width : of the interval, in data units.
    """

    reference: ClassVar[str] = "where it comes from: authors, year, arXiv number"
    noise: ClassVar[Literal["normal", "uniform"]] = "uniform"  # what arrives as `noise`
    support: ClassVar[tuple[float, float] | None] = None  # where data and result must lie

    width: Scale  # may differ between the members of a pack

    def __call__(
        self, x: Float[Tensor, "*batch dims"], noise: Float[Tensor, "*batch dims"]
    ) -> Float[Tensor, "*batch dims"]:
        return x + self.width * (noise - 0.5)
