"""Early stopping: the points climb rung by rung, and storage alone says where they stand."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from statistics import fmean
from typing import Protocol

from sweeper.grid.seeds import point_of
from sweeper.status.reached import Reached, reached, require_metric
from sweeper.sweep import PlannedTrial, Sweep, Task
from trainers.trial import Trial

__all__ = ["Ladder", "Rungs"]


class Rungs(Protocol):
    """What a search with rungs decides: where they are, and which points go on from each."""

    @property
    def metric(self) -> str:
        """What is compared: the mean over a point's seeds."""
        ...

    def rungs(self, epochs: int) -> list[int]:
        """The epochs after which trials are compared; the last one is the whole length."""
        ...

    def promoted(self, values: Mapping[int, float], expected: int) -> list[int]:
        """Which of the points on a rung may go on; `expected` will be there in the end."""
        ...


class Ladder:
    """Trains a sweep's points rung by rung, each of them with all its seeds.

    Nothing is remembered but what storage holds: a sweep that was killed climbs again, past all
    rungs that are known, and trains what is missing.
    """

    def __init__(self, sweep: Sweep, search: Rungs, retry_failed: bool = False) -> None:
        self._sweep, self._search = sweep, search
        points: dict[Trial, list[PlannedTrial]] = {}
        for trial in sweep.trials:
            points.setdefault(point_of(trial), []).append(trial)
        self._points = list(points.values())
        self._rungs = self._search.rungs(int(sweep.trials[0].params["epochs"]))
        self._begun: list[dict[int, None]] = [{} for _ in self._rungs]
        self._values: list[dict[int, float]] = [{} for _ in self._rungs]
        self._new = deque(range(len(self._points)))
        self._retry = retry_failed
        self._tried: set[str] = set()

    @property
    def trials(self) -> tuple[PlannedTrial, ...]:
        return self._sweep.trials

    @property
    def complete(self) -> bool:
        return not self._new and all(
            len(begun) == len(values)
            for begun, values in zip(self._begun, self._values, strict=True)
        )

    def ask(self, busy: Collection[str]) -> list[Task] | None:
        """What may climb now, the highest rung first; else the next point that has not begun."""
        while True:
            self._look(busy)
            climbing = [(rung, point) for rung, point in self._climbing()]
            if not climbing and self._new:
                climbing = [(0, self._new.popleft())]
            if not climbing:
                return None
            tasks = []
            for rung, point in sorted(climbing, reverse=True):
                self._begun[rung][point] = None
                tasks += self._tasks(rung, point)
            if tasks:
                self._tried |= {task.trial.id for task in tasks}
                return tasks

    def _climbing(self) -> Iterator[tuple[int, int]]:
        """Points that are good enough for a rung that they have not begun."""
        for rung, values in enumerate(self._values[:-1]):
            expected = len(self._begun[rung]) if rung else len(self._points)
            yield from (
                (rung + 1, point)
                for point in self._search.promoted(values, expected)
                if point not in self._begun[rung + 1]
            )

    def _tasks(self, rung: int, point: int) -> list[Task]:
        """What is left to train until all seeds of a point stand on a rung."""
        epoch = self._rungs[rung]
        if rung == len(self._rungs) - 1:
            return [Task(trial) for trial in self._points[point]]
        return [
            Task(trial, epoch)
            for trial in self._points[point]
            if not self._ended(trial, reached(self._sweep.storage, trial.id), epoch)
        ]

    def _look(self, busy: Collection[str]) -> None:
        """Take in what has arrived on each rung."""
        for rung, epoch in enumerate(self._rungs):
            for point in self._begun[rung]:
                trials = self._points[point]
                if point in self._values[rung] or any(trial.id in busy for trial in trials):
                    continue
                found = [reached(self._sweep.storage, trial.id) for trial in trials]
                if all(
                    self._ended(trial, one, epoch)
                    for trial, one in zip(trials, found, strict=True)
                ):
                    self._values[rung][point] = self._value(trials, found, epoch)

    def _ended(self, trial: PlannedTrial, one: Reached, epoch: int) -> bool:
        """Whether it stands on the rung, or failed: in this run, or as it would again."""
        failed = one.status == "failed" and (
            trial.id in self._tried or (one.repeats and not self._retry)
        )
        return failed or (one.status != "failed" and one.epoch >= epoch)

    def _value(
        self, trials: Sequence[PlannedTrial], found: Sequence[Reached], epoch: int
    ) -> float:
        """The mean over the seeds; NaN where one of them failed before this rung."""
        if any(one.status == "failed" and one.epoch <= epoch for one in found):
            return math.nan
        return fmean(
            require_metric(trial, one.at(epoch), self._search.metric)
            for trial, one in zip(trials, found, strict=True)
        )
