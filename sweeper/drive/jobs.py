"""The jobs of a sweep: the longest trials first, and each merge once its source is there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sweeper.sweep import PlannedTrial, Sweep
from sweeper.work.events import Event
from sweeper.work.job import Job, make_job
from sweeper.work.packs import make_packs, program, shared_programs

__all__ = ["Jobs"]


class Jobs:
    """Hands out what is to be trained, and hears how it ends.

    The longest trials come first, so that no core waits long for the last one. A trial that takes
    the parameters of another waits until that one has ended, whichever way. What the sweep packs
    is computed as a pack, however few of it are left to train.
    """

    def __init__(self, sweep: Sweep, todo: Sequence[PlannedTrial]) -> None:
        self._sweep = sweep
        self._shared = shared_programs(sweep.trials, sweep.resources)
        trained = [trial for trial in todo if not trial.merged_from]
        self._packs = make_packs(sorted(trained, key=_cost, reverse=True), sweep.resources)
        self._merged = [trial for trial in todo if trial.merged_from]
        self._busy = {trial.id for trial in trained}

    def __iter__(self) -> Iterator[Job | None]:
        """Jobs; None says that the next one depends on those under way."""
        for pack in self._packs:
            packed = bool(self._shared) and program(pack[0]) in self._shared
            yield make_job(self._sweep, pack, packed=packed)
        while self._merged:
            busy = set(self._busy)
            ready = [trial for trial in self._merged if trial.merged_from not in busy]
            self._merged = [trial for trial in self._merged if trial.merged_from in busy]
            if not ready:
                yield None
            for trial in ready:
                yield make_job(self._sweep, [trial])

    def hear(self, events: Sequence[Event]) -> None:
        """Note which trials have ended."""
        self._busy -= {event.trial for event in events
                       if event.phase not in ("started", "running")}


def _cost(trial: PlannedTrial) -> int:
    return trial.parameters * int(trial.params.get("epochs", 1))
