"""Salt-and-pepper noise at the rate of the mean image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from trainers.corruptions import CORRUPTIONS
from trainers.datasets import Splits
from trainers.fields import Component, Weight

__all__ = ["MeanImage"]


@CORRUPTIONS.register("mean_image")
@dataclass(frozen=True, kw_only=True)
class MeanImage(Component):
    """Salt-and-pepper noise whose rate at pixel i is pᵢ = min(1, strength · x̄ᵢ).

    x̄ is the mean of the training examples (the training part alone), computed by `statistics`.
    With probability pᵢ pixel i becomes 0 or 1, each with probability pᵢ/2; else it stays. So a
    pixel that no training image uses is never corrupted.

    Parameters
    ----------
    strength : factor on the mean image's intensity (1: the paper's).

    References
    ----------
    Im et al. 2017, arXiv:1511.06406, Sec. 4.
    """

    reference: ClassVar[str] = "Im et al. 2017, arXiv:1511.06406, Sec. 4"
    noise: ClassVar[Literal["normal", "uniform"]] = "uniform"
    support: ClassVar[tuple[float, float] | None] = (0.0, 1.0)

    strength: Weight = 1.0

    @staticmethod
    def statistics(splits: Splits) -> Mapping[str, Tensor]:
        return {"mean": splits.train.x.mean(0, dtype=torch.float64) / splits.scale}

    def __call__(
        self, x: Float[Tensor, "*batch dims"], noise: Float[Tensor, "*batch dims"]
    ) -> Float[Tensor, "*batch dims"]:
        mean: Tensor | None = getattr(self, "mean", None)
        assert mean is not None, "the mean image comes from the data: `Trial.bind` puts it in"
        p = (self.strength * mean).clamp(max=1)
        return torch.where(noise < p, (noise < 0.5 * p).to(x.dtype), x)
