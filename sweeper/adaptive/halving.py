"""Rungs: all trials are trained a little, and the best of each rung go on to the next."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from sweeper.adaptive.ladder import Ladder
from sweeper.errors import UserError
from sweeper.grid.searches.random import Random
from sweeper.grid.seeds import point_of
from sweeper.sweep import Goal, PlannedTrial, Sweep
from trainers.fields import Component, Count, Limits, Natural

__all__ = ["Halving"]

P = TypeVar("P", bound=Hashable)


@dataclass(frozen=True, kw_only=True)
class Halving(Component):
    """What the searches with rungs at `min_epochs`·`reduction`^k epochs have in common.

    `waits` says whether a rung must be complete before anything of it goes on.
    """

    name: ClassVar[str]
    waits: ClassVar[bool]
    ahead: ClassVar[bool] = True
    midway: ClassVar[bool] = True
    metric: str
    mode: Literal["min", "max"]
    min_epochs: Count = 1
    reduction: Annotated[int, Limits(ge=2)] = 3
    trials: Natural = 0
    seed: Natural = 0

    @property
    def goals(self) -> tuple[Goal, ...]:
        return ((self.metric, self.mode),)

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
        """The part of all epochs that is trained, if every rung is as full as it can be."""
        rungs, before, done = self.rungs(epochs), 0, 0
        for level, rung in enumerate(rungs):
            done += points // self.reduction**level * (rung - before)
            before = rung
        return done / (points * epochs)

    def promoted(self, values: Mapping[P, float], expected: int) -> list[P]:
        """Which of the points that stand on a rung may go on, the best first.

        One in `reduction` of those that are there; of `expected` points, where the rung waits.
        A value that is not finite is that of a failed point, which counts and never goes on.
        """
        if self.waits and len(values) < expected:
            return []
        sign = -1 if self.mode == "max" else 1
        good = [point for point, value in values.items() if math.isfinite(value)]
        best = sorted(good, key=lambda point: sign * values[point])
        return best[: len(values) // self.reduction]

    def source(self, sweep: Sweep, retry_failed: bool) -> Ladder:
        return Ladder(sweep, self, retry_failed)

    def rule(self, epochs: int) -> str:
        rungs = ", ".join(map(str, self.rungs(epochs)))
        return f"rungs at {rungs} epochs, and one trial in {self.reduction} goes on from each"

    def check(self, trials: Sequence[PlannedTrial]) -> None:
        lengths = {int(trial.params["epochs"]) for trial in trials}
        if len(lengths) > 1:
            raise UserError(
                f"{self.name} compares trials of one length, and these have "
                f"{', '.join(map(str, sorted(lengths)))} epochs"
            )
        epochs = lengths.pop()
        if self.min_epochs >= epochs:
            raise UserError(
                f"min_epochs must be less than the {epochs} epochs of a trial, and is "
                f"{self.min_epochs}"
            )
        every = {trial.trial.training.test_every for trial in trials}
        held_out = self.metric.startswith(("test/", "validation/"))
        if held_out and any(self.min_epochs % one for one in every):
            raise UserError(
                f"{self.metric} is measured every {max(every)} epochs (test_every), so "
                f"min_epochs must be a multiple of that, and is {self.min_epochs}"
            )
        points = len({point_of(trial) for trial in trials})
        least = self.reduction ** (len(self.rungs(epochs)) - 1)
        if points < least:
            raise UserError(
                f"with rungs at {', '.join(map(str, self.rungs(epochs)))} epochs it "
                f"takes {least} points for one of them to be trained to its end, and "
                f"there are {points}: add points, or raise min_epochs or reduction"
            )
