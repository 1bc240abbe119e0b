"""Sobol search: scrambled Sobol points, which cover the spaces more evenly than random ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from sweeper.grid.searches import SEARCHES
from sweeper.sweep import Goal, TrainsAll
from trainers.fields import Count, Natural

__all__ = ["Sobol"]


@SEARCHES.register("sobol")
@dataclass(frozen=True)
class Sobol(TrainsAll):
    """Scrambled Sobol points; best balanced if their number is a power of two.

    Parameters
    ----------
    trials : how many points. seed : seed of the scrambling.
    """

    name: ClassVar[str]
    ahead: ClassVar[bool] = True
    goals: ClassVar[tuple[Goal, ...]] = ()
    reference: ClassVar[str] = "Sobol 1967; Owen 1998 (scrambling); scipy.stats.qmc.Sobol"
    trials: Count
    seed: Natural = 0

    def unit(self, stream: int, dims: int, count: int) -> npt.NDArray[np.float64]:
        from scipy.stats import qmc  # slow to import, and used by few grids

        rng = np.random.default_rng([self.seed, stream])
        sequence = qmc.Sobol(dims, scramble=True, rng=rng)
        points: npt.NDArray[np.float64] = sequence.random_base2(max(0, count - 1).bit_length())
        return points[:count]
