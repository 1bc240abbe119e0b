"""Grid search: every combination of the listed values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from sweeper.grid.searches import SEARCHES
from sweeper.sweep import Goal, TrainsAll

__all__ = ["FullGrid"]


@SEARCHES.register("grid")
@dataclass(frozen=True)
class FullGrid(TrainsAll):
    """Every combination of the axes; nothing is drawn."""

    name: ClassVar[str]
    ahead: ClassVar[bool] = True
    goals: ClassVar[tuple[Goal, ...]] = ()
    reference: ClassVar[str] = "the axes as they are written"

    @property
    def trials(self) -> int:
        return 0

    def unit(self, stream: int, dims: int, count: int) -> npt.NDArray[np.float64]:
        return np.empty((0, dims))
