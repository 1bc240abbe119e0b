"""Successive halving: the best points of each rung are trained to the next rung."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from analysis.comparisons.goals import SELECTION, better
from sweeper.adaptive.ladder import Curve, Ladder, check_rungs
from sweeper.errors import UserError
from sweeper.grid.searches.random import Random
from sweeper.grid.seeds import point_of
from sweeper.sweep import Goal, PlannedTrial, Sweep
from trainers.fields import Component, Count, Limits, Natural

__all__ = ["Halving"]

P = TypeVar("P", bound=Hashable)


@dataclass(frozen=True, kw_only=True)
class Halving(Component):
    """Base of the searches with rungs at `min_epochs`·`reduction`^k epochs.

    `waits` : whether all points must have reached a rung before the best are promoted.
    """

    name: ClassVar[str]
    waits: ClassVar[bool]
    ahead: ClassVar[bool] = True
    midway: ClassVar[bool] = True
    metric: str = SELECTION
    mode: Literal["min", "max"] | None = None
    min_epochs: Count = 1
    reduction: Annotated[int, Limits(ge=2)] = 3
    trials: Natural = 0
    seed: Natural = 0

    @property
    def goals(self) -> tuple[Goal, ...]:
        return ((self.metric, self.mode or better(self.metric)),)

    def unit(self, stream: int, dims: int, count: int) -> npt.NDArray[np.float64]:
        """The points of a random search with this seed."""
        return Random(max(1, self.trials), self.seed).unit(stream, dims, count)

    def rungs(self, epochs: int) -> list[int]:
        """The epochs after which trials are compared; the last one is the whole length."""
        found, rung = [], self.min_epochs
        while rung < epochs:
            found.append(rung)
            rung *= self.reduction
        return [*found, epochs]

    def share(self, points: int, epochs: int) -> float:
        """The fraction of all epochs that is trained, if each rung promotes as many as it may."""
        rungs, before, done = self.rungs(epochs), 0, 0
        for level, rung in enumerate(rungs):
            done += points // self.reduction**level * (rung - before)
            before = rung
        return done / (points * epochs)

    def promoted(self, curves: Mapping[P, Curve], expected: int) -> list[P]:
        """The points on a rung to promote, the best first: one in `reduction` of them.

        The last values are compared. A failed point counts as one of the points on the rung, and
        is never promoted.
        """
        if self.waits and len(curves) < expected:
            return []
        sign = -1 if self.goals[0][1] == "max" else 1
        values = {point: curve[-1] if curve else math.nan for point, curve in curves.items()}
        good = [point for point, value in values.items() if math.isfinite(value)]
        best = sorted(good, key=lambda point: sign * values[point])
        return best[: len(values) // self.reduction]

    def source(self, sweep: Sweep, retry_failed: bool) -> Ladder:
        return Ladder(sweep, self, retry_failed)

    def rule(self, epochs: int) -> str:
        rungs = ", ".join(map(str, self.rungs(epochs)))
        return f"rungs at {rungs} epochs, and one trial in {self.reduction} goes on from each"

    def check(self, trials: Sequence[PlannedTrial]) -> None:
        check_rungs(self, trials)
        rungs = self.rungs(trials[0].trial.training.epochs)
        points = len({point_of(trial) for trial in trials})
        least = self.reduction ** (len(rungs) - 1)
        if points < least:
            raise UserError(
                f"with rungs at {', '.join(map(str, rungs))} epochs it "
                f"takes {least} points for one of them to be trained to its end, and "
                f"there are {points}: add points, or raise min_epochs or reduction"
            )
