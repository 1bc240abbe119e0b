"""Salt-and-pepper noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from trainers.corruptions import CORRUPTIONS
from trainers.fields import Component, Rate

__all__ = ["SaltAndPepper"]


@CORRUPTIONS.register("salt_and_pepper")
@dataclass(frozen=True, kw_only=True)
class SaltAndPepper(Component):
    """With probability p a pixel becomes 0 or 1, each with probability p/2; else it stays.

    E x̃ = (1 − p) x + p/2 and E x̃² = (1 − p) x² + p/2, in data units. A pixel of a binary image
    changes with probability p/2.

    Parameters
    ----------
    p : probability of a corrupted pixel ([D]'s noise level of 5 is p = 0.05).

    References
    ----------
    Im et al. 2017, arXiv:1511.06406, Sec. 4; Vincent et al. 2010.
    """

    reference: ClassVar[str] = "Im et al. 2017, arXiv:1511.06406, Sec. 4"
    noise: ClassVar[Literal["normal", "uniform"]] = "uniform"
    support: ClassVar[tuple[float, float] | None] = (0.0, 1.0)

    p: Rate

    def __call__(
        self, x: Float[Tensor, "*batch dims"], noise: Float[Tensor, "*batch dims"]
    ) -> Float[Tensor, "*batch dims"]:
        extreme = (noise < 0.5 * self.p).to(x.dtype)
        return torch.where(noise < self.p, extreme, x)
