"""Early stopping in rungs: a point is trained to the next rung if the search promotes it."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from statistics import fmean
from typing import Protocol

from sweeper.errors import UserError
from sweeper.grid.seeds import point_of
from sweeper.status.reached import Reached, reached, require_metric
from sweeper.sweep import PlannedTrial, Sweep, Task
from trainers.trial import Trial

__all__ = ["Curve", "Ladder", "Rungs", "check_rungs"]

Curve = tuple[float, ...]


class Rungs(Protocol):
    """A search that compares points at certain epochs (rungs) and promotes some of them."""

    @property
    def name(self) -> str:
        """The search's name in a grid."""
        ...

    @property
    def metric(self) -> str:
        """The metric that is compared: its mean over a point's seeds."""
        ...

    @property
    def min_epochs(self) -> int:
        """The first rung."""
        ...

    def rungs(self, epochs: int) -> list[int]:
        """The epochs after which points are compared; the last one is the whole length."""
        ...

    def promoted(self, curves: Mapping[int, Curve], expected: int) -> list[int]:
        """The points on a rung to promote to the next one.

        `curves` has the values of the metric up to this rung for each point that has reached it;
        they are empty if the point failed. `expected` is the number of points that will reach
        this rung.
        """
        ...


class Ladder:
    """The `Source` of a search with rungs. A point's seeds are trained and promoted together.

    All state is read from the storage: a sweep that was killed and is run again skips the rungs
    that were reached, and trains what is missing.
    """

    def __init__(self, sweep: Sweep, search: Rungs, retry_failed: bool = False) -> None:
        self._sweep, self._search = sweep, search
        points: dict[Trial, list[PlannedTrial]] = {}
        for trial in sweep.trials:
            points.setdefault(point_of(trial), []).append(trial)
        self._points = list(points.values())
        self._rungs = self._search.rungs(int(sweep.trials[0].params["epochs"]))
        self._begun: list[dict[int, None]] = [{} for _ in self._rungs]
        self._curves: list[dict[int, Curve]] = [{} for _ in self._rungs]
        self._new = deque(range(len(self._points)))
        self._retry = retry_failed
        self._tried: set[str] = set()

    @property
    def trials(self) -> tuple[PlannedTrial, ...]:
        return self._sweep.trials

    @property
    def complete(self) -> bool:
        return not self._new and all(
            len(begun) == len(curves)
            for begun, curves in zip(self._begun, self._curves, strict=True)
        )

    def ask(self, busy: Collection[str]) -> list[Task] | None:
        """Tasks of all promoted points, the highest rung first; else of one new point."""
        while True:
            self._look(busy)
            climbing = list(self._promoted())
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

    def _promoted(self) -> Iterator[tuple[int, int]]:
        """Pairs of a rung and a point that is promoted to it but not yet trained to it."""
        for rung, curves in enumerate(self._curves[:-1]):
            expected = len(self._begun[rung]) if rung else len(self._points)
            yield from (
                (rung + 1, point)
                for point in self._search.promoted(curves, expected)
                if point not in self._begun[rung + 1]
            )

    def _tasks(self, rung: int, point: int) -> list[Task]:
        """The tasks that train all seeds of a point to a rung; at the last one they finish."""
        epoch = self._rungs[rung]
        if rung == len(self._rungs) - 1:
            return [Task(trial) for trial in self._points[point]]
        return [
            Task(trial, epoch)
            for trial in self._points[point]
            if not self._ended(trial, reached(self._sweep.storage, trial.id), epoch)
        ]

    def _look(self, busy: Collection[str]) -> None:
        """Read the curves of points that have reached a rung since the last call."""
        for rung, epoch in enumerate(self._rungs):
            for point in self._begun[rung]:
                trials = self._points[point]
                if point in self._curves[rung] or any(trial.id in busy for trial in trials):
                    continue
                found = [reached(self._sweep.storage, trial.id) for trial in trials]
                if all(
                    self._ended(trial, one, epoch)
                    for trial, one in zip(trials, found, strict=True)
                ):
                    self._curves[rung][point] = self._curve(trials, found, epoch)

    def _ended(self, trial: PlannedTrial, one: Reached, epoch: int) -> bool:
        """Whether a trial has reached `epoch`, or failed and is not to be trained again."""
        failed = one.status == "failed" and (
            trial.id in self._tried or (one.repeats and not self._retry)
        )
        return failed or (one.status != "failed" and one.epoch >= epoch)

    def _curve(
        self, trials: Sequence[PlannedTrial], found: Sequence[Reached], epoch: int
    ) -> Curve:
        """The mean over the seeds at each epoch that all of them have; empty if a seed failed."""
        if any(one.status == "failed" and one.epoch <= epoch for one in found):
            return ()
        for trial, one in zip(trials, found, strict=True):
            require_metric(trial, one.at(epoch), self._search.metric)
        seeds = [one.history(self._search.metric, epoch) for one in found]
        common = sorted(set.intersection(*map(set, seeds)))
        return tuple(fmean(seed[at] for seed in seeds) for at in common)


def check_rungs(search: Rungs, trials: Sequence[PlannedTrial]) -> None:
    """Raise `UserError` if these trials cannot be compared on the search's rungs."""
    lengths = {int(trial.params["epochs"]) for trial in trials}
    if len(lengths) > 1:
        raise UserError(
            f"{search.name} compares trials of one length, and these have "
            f"{', '.join(map(str, sorted(lengths)))} epochs"
        )
    epochs = lengths.pop()
    if search.min_epochs >= epochs:
        raise UserError(
            f"min_epochs must be less than the {epochs} epochs of a trial, not {search.min_epochs}"
        )
    every = {trial.trial.training.test_every for trial in trials}
    held_out = search.metric.startswith(("test/", "validation/"))
    between = [rung for rung in search.rungs(epochs)[:-1] if any(rung % one for one in every)]
    if held_out and between:
        raise UserError(
            f"{search.metric} is measured every {max(every)} epochs (test_every), so "
            f"{search.name} can compare it at multiples of that, and not at {between[0]}: "
            "choose another min_epochs"
        )
