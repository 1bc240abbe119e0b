"""Random search: points drawn independently from the spaces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from sweeper.grid.searches import SEARCHES
from sweeper.sweep import Goal, TrainsAll
from trainers.fields import Count, Natural

__all__ = ["Random"]


@SEARCHES.register("random")
@dataclass(frozen=True)
class Random(TrainsAll):
    """Independent uniform points.

    Parameters
    ----------
    trials : how many points. seed : seed of the draws (trials have their own seeds).
    """

    name: ClassVar[str]
    ahead: ClassVar[bool] = True
    goals: ClassVar[tuple[Goal, ...]] = ()
    reference: ClassVar[str] = "Bergstra and Bengio 2012, JMLR 13"
    trials: Count
    seed: Natural = 0

    def unit(self, stream: int, dims: int, count: int) -> npt.NDArray[np.float64]:
        return np.random.default_rng([self.seed, stream]).random((count, dims))
