"""Median stopping: a point stops if its best value is worse than the median of others' means."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import ClassVar, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from analysis.comparisons.goals import SELECTION, better
from sweeper.adaptive.ladder import Curve, Ladder, check_rungs
from sweeper.grid.searches import SEARCHES
from sweeper.grid.searches.random import Random
from sweeper.sweep import Goal, PlannedTrial, Sweep
from trainers.fields import Component, Count, Natural

__all__ = ["MedianStopping"]

P = TypeVar("P", bound=Hashable)


@SEARCHES.register("median")
@dataclass(frozen=True, kw_only=True)
class MedianStopping(Component):
    """Early stopping: a point stops if its best value is worse than the median of the others.

    After s epochs, the point's best value up to s is compared with the median, over the other
    points, of the mean of their values up to s. A point is only stopped once `least` other points
    have reached s, and continues if the median becomes worse later. Failed points are ignored.

    Parameters
    ----------
    metric : the metric to compare (its mean over a point's seeds); one of the test part is taken
        only if it is named. mode : ``min`` or ``max`` (default: the good end of the metric).
    min_epochs : epoch of the first comparison. every : epochs between two comparisons.
    least : the least number of other points needed to stop one. trials : how many points are
        drawn, for blocks with spaces. seed : seed of the draws.
    """

    name: ClassVar[str]
    ahead: ClassVar[bool] = True
    midway: ClassVar[bool] = True
    reference: ClassVar[str] = "Golovin et al. 2017, KDD (Google Vizier), section 3.2.2"
    metric: str = SELECTION
    mode: Literal["min", "max"] | None = None
    min_epochs: Count = 1
    every: Count = 1
    least: Count = 3
    trials: Natural = 0
    seed: Natural = 0

    @property
    def goals(self) -> tuple[Goal, ...]:
        return ((self.metric, self.mode or better(self.metric)),)

    def unit(self, stream: int, dims: int, count: int) -> npt.NDArray[np.float64]:
        """The points of a random search with this seed."""
        return Random(max(1, self.trials), self.seed).unit(stream, dims, count)

    def rungs(self, epochs: int) -> list[int]:
        """The epochs after which points are compared; the last one is the whole length."""
        return [*range(self.min_epochs, epochs, self.every), epochs]

    def promoted(self, curves: Mapping[P, Curve], expected: int) -> list[P]:
        """The points on a rung to promote, the best first."""
        sign = -1 if self.goals[0][1] == "max" else 1
        costs = {
            point: [sign * value for value in curve]
            for point, curve in curves.items()
            if curve and all(map(math.isfinite, curve))
        }
        means = {point: fmean(cost) for point, cost in costs.items()}
        good = []
        for point, cost in costs.items():
            others = [mean for other, mean in means.items() if other != point]
            if len(others) < self.least or min(cost) <= median(others):
                good.append(point)
        return sorted(good, key=lambda point: min(costs[point]))

    def source(self, sweep: Sweep, retry_failed: bool) -> Ladder:
        return Ladder(sweep, self, retry_failed)

    def check(self, trials: Sequence[PlannedTrial]) -> None:
        check_rungs(self, trials)

    def share(self, points: int, epochs: int) -> float:
        """1, for all epochs: how many points will be stopped is not known before."""
        return 1.0

    def rule(self, epochs: int) -> str:
        return (
            f"from epoch {self.min_epochs} on a point is looked at every {self.every} epochs, and "
            "stopped while its best is worse than the median of the others' means"
        )
