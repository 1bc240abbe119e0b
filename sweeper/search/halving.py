"""Rungs: all trials are trained a little, and the best of each rung go on to the next."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from sweeper.search import Goal
from sweeper.search.random import Random
from trainers.fields import Bounds, Component, Count, Natural

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
    metric: str
    mode: Literal["min", "max"]
    min_epochs: Count = 1
    reduction: Annotated[int, Bounds(ge=2)] = 3
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
            done += points // self.reduction ** level * (rung - before)
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
        return best[:len(values) // self.reduction]
