"""ν of several laws over the values of x that all of them have.

A law that bends has another exponent over another range, so that one and the same curve, seen in
one group without its first point, has two. What compares ν between laws fits all of them here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from analysis.laws.evidence import Evidence
from analysis.statistics.regression import leading_coefficients
from analysis.wording import symbol

__all__ = ["CommonX", "common_x"]

Array = NDArray[np.float64]
FEWEST = 3  # values of x that a law needs


@dataclass(frozen=True)
class CommonX:
    """x [m], in order: the values of `name` that all laws have. partial: some law has more."""

    name: str
    x: Array
    partial: bool

    @property
    def enough(self) -> bool:
        """Whether a law can be fitted over them."""
        return len(self.x) >= FEWEST

    def over(self, who: str) -> str:
        """`` over the 8 values of σ that both have``; nothing where the laws have the same."""
        return f" over the {len(self.x)} values of {symbol(self.name)} that {who} have" * (
            self.partial
        )

    @property
    def refusal(self) -> str:
        """Why ν is not compared, where they are not enough."""
        return f"fewer than three values of {symbol(self.name)} in common"

    def nu(self, law: Evidence) -> float:
        """ν of one of the laws, over these values of x."""
        return self._nu(law, np.ones(len(law.x), dtype=bool)) if self.partial else law.nu

    def nu_by_seed(self, law: Evidence) -> dict[object, float]:
        """The same of each seed; empty without seeds."""
        seeds = np.array(law.seed, dtype=object)
        return {seed: self._nu(law, seeds == seed) for seed in dict.fromkeys(law.seed)}

    def _nu(self, law: Evidence, rows: NDArray[np.bool_]) -> float:
        used = rows & np.isin(law.x, self.x)
        x, y = np.log(law.x[used]), np.log(law.y[used])
        return -float(leading_coefficients(x, y[None, :])[0])


def common_x(laws: Sequence[Evidence]) -> CommonX:
    """The values of x that all of these laws, one or more of the same x, were fitted to."""
    every = [np.unique(law.x) for law in laws]
    shared = reduce(np.intersect1d, every)
    return CommonX(laws[0].law.x, shared, any(len(one) > len(shared) for one in every))
