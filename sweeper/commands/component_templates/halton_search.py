"""A search: Halton points, drawn before anything is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from sweeper.grid.searches import SEARCHES
from sweeper.sweep import Goal, TrainsAll
from trainers.fields import Count, Natural


# The name that a grid writes: `search: {method: halton, trials: 32}`.
@SEARCHES.register("halton")
@dataclass(frozen=True)
class Halton(TrainsAll):
    """Scrambled Halton points: more even than chance.

    Parameters
    ----------
    trials : how many points. seed : of the scrambling.
    """

    name: ClassVar[str]
    ahead: ClassVar[bool] = True  # all points are drawn before the first trial
    goals: ClassVar[tuple[Goal, ...]] = ()  # it looks at no result
    reference: ClassVar[str] = "Halton 1960; Owen 2017, arXiv:1706.02808 (scrambling)"

    trials: Count
    seed: Natural = 0

    def unit(self, stream: int, dims: int, count: int) -> npt.NDArray[np.float64]:
        from scipy.stats import qmc

        # more points of a stream begin with the same ones, so that a larger search goes on
        rng = np.random.default_rng([self.seed, stream])
        points: npt.NDArray[np.float64] = qmc.Halton(dims, scramble=True, rng=rng).random(count)
        return points
