"""The jobs of an adaptive search, each made when a worker is free."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence

from sweeper.driver.jobs import make_job
from sweeper.errors import UserError
from sweeper.messages import Event, Job
from sweeper.storage import evaluations as evaluation_store
from sweeper.storage import ledger, paths
from sweeper.storage.claims import Claims
from sweeper.storage.signs import StopSign
from sweeper.sweep import PlannedTrial, Source, Sweep, Task
from sweeper.worker.packs import pack_key, pack_size

__all__ = ["Feed", "needs_work"]


class Feed:
    """Asks a `Source` for tasks, groups those with equal pack keys into jobs, and tracks them.

    Trials that another driver is training are tried again later. `error` is set where the search
    or the storage ended the feed early. Not thread-safe.
    """

    def __init__(self, sweep: Sweep, source: Source, claims: Claims) -> None:
        self._sweep, self._source, self._claims = sweep, source, claims
        self._sign = StopSign(paths.sweep_folder(sweep))
        self._size = pack_size(sweep.resources)
        self._queue: deque[Task] = deque()
        self._away: list[Task] = []
        self._busy: set[str] = set()
        self.error: UserError | None = None

    @property
    def idle(self) -> bool:
        """Whether there is nothing to train; a task found here is kept for `jobs`."""
        return not self._fill(1)

    @property
    def elsewhere(self) -> list[str]:
        """Trials that another driver is training."""
        return [task.trial.id for task in self._away]

    def jobs(self, grown: Callable[[], None]) -> Iterator[Job | None]:
        """Jobs for as long as there is something to train; None says: ask again later.

        `grown` is called before each job, as there may be new trials. It ends, too, where other
        drivers train all that is left: call it again later.
        """
        while not self._sign.is_up():
            try:
                job = self._next()
                grown()
            except UserError as error:
                self.error = error
                return
            except OSError as error:
                self.error = UserError(
                    f"the storage {self._sweep.storage} cannot be used: "
                    f"{error}; make room there, and run the same command"
                )
                return
            if job is None and not self._busy:
                return
            yield job

    def hear(self, events: Sequence[Event]) -> None:
        """Remove the trials that have ended from the busy ones."""
        self._busy -= {event.trial for event in events if event.ended}

    def _next(self) -> Job | None:
        self._queue += self._away
        self._away = []
        while pack := self._fill(self._size):
            for task in pack:
                self._queue.remove(task)
            mine = [task for task in pack if self._claims.take(task.trial.id)]
            self._away += [task for task in pack if task not in mine]
            if mine:
                self._busy |= {task.trial.id for task in mine}
                return make_job(self._sweep, [task.trial for task in mine], mine[0].until)
        return None

    def _fill(self, size: int) -> list[Task]:
        """At most `size` tasks that train as one program; no more is asked for than needed."""
        for _ in range(size):
            pack = self._pack(size)
            if len(pack) == size:
                return pack
            waiting = {task.trial.id for task in (*self._queue, *self._away)}
            more = self._source.ask(self._busy | waiting)
            while more is not None and not any(map(self._has_work, more)):
                more = self._source.ask(self._busy | waiting)
            if more is None:
                return pack
            self._queue += filter(self._has_work, more)
        return self._pack(size)

    def _pack(self, size: int) -> list[Task]:
        """The first task, and others of its pack key and length."""
        if not self._queue:
            return []
        first = self._queue[0]
        if size == 1:
            return [first]
        same = [
            task
            for task in self._queue
            if task.until == first.until and pack_key(task.trial) == pack_key(first.trial)
        ]
        return same[:size]

    def _has_work(self, task: Task) -> bool:
        return task.until is not None or needs_work(self._sweep, task.trial)


def needs_work(sweep: Sweep, trial: PlannedTrial) -> bool:
    """Whether a trial is not finished, or lacks an evaluation of its grid."""
    state = ledger.status(sweep.storage, [trial.id])[trial.id]
    return state != "finished" or bool(
        evaluation_store.missing(sweep.storage, trial.id, trial.evaluate)
    )
