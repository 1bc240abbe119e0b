"""The jobs of a sweep without an adaptive search, the longest trials first."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from sweeper.bucket.mirror import bucket_of
from sweeper.messages import Event, Job, JobTrial
from sweeper.planning.capacity import places
from sweeper.storage import paths
from sweeper.storage.claims import Claims
from sweeper.sweep import PlannedTrial, Sweep
from sweeper.worker.packs import make_packs, pack_key, probes, shared_keys

__all__ = ["Jobs", "make_job"]


class Jobs:
    """Iterates over the jobs of the trials `todo`, and tracks which of them are running.

    Blocks with a higher priority come first, and in a block the longest trials, so that no core
    waits long for the last one; trials that another driver is training come last. A merged trial
    waits until its source has ended, finished or not. Trials of a pack key that the sweep shares
    are computed as a pack, also where only one is left.
    """

    def __init__(self, sweep: Sweep, todo: Sequence[PlannedTrial], claims: Claims) -> None:
        self._sweep, self._claims = sweep, claims
        trained = [trial for trial in todo if not trial.merged_from]
        ranked = sorted(trained, key=_rank, reverse=True)
        self._packs = deque(make_packs(ranked, sweep.resources, places(sweep)))
        self._merged = [trial for trial in todo if trial.merged_from]
        self._busy: set[str] = set()

    @cached_property
    def _shared(self) -> frozenset[str]:
        return shared_keys(self._sweep.trials, self._sweep.resources)

    def spread(self, slots: int) -> None:
        """Divide the trials that wait anew, among so many packs at once or a multiple of it."""
        waiting = sorted(
            (trial for pack in self._packs for trial in pack), key=_rank, reverse=True
        )
        self._packs = deque(make_packs(waiting, self._sweep.resources, slots))

    def __iter__(self) -> Iterator[Job | None]:
        """Yield jobs, or None if the next one depends on running jobs.

        It also ends if other drivers train all remaining trials; iterate again later.
        """
        while self._packs or self._merged:
            job = self._next()
            if job is None and not self._busy:
                return
            yield job

    @property
    def elsewhere(self) -> list[str]:
        """Trials that another driver is training."""
        return [trial.id for pack in (*self._packs, self._ready()) for trial in pack]

    def hear(self, events: Sequence[Event]) -> None:
        """Note which trials have ended."""
        self._busy -= {event.trial for event in events if event.ended}

    def _next(self) -> Job | None:
        """The next job whose trials no other driver has claimed."""
        for _ in range(len(self._packs)):
            pack = self._packs.popleft()
            mine = [trial for trial in pack if self._claims.take(trial.id)]
            if len(mine) < len(pack):
                self._packs.append(tuple(trial for trial in pack if trial not in mine))
            if mine:
                return self._job(mine, packed=pack_key(mine[0]) in self._shared)
        for trial in self._ready():
            if self._claims.take(trial.id):
                self._merged.remove(trial)
                return self._job([trial])
        return None

    def _ready(self) -> list[PlannedTrial]:
        """Merged trials whose source is neither waiting nor running."""
        awaited = self._busy.union(trial.id for pack in self._packs for trial in pack)
        return [trial for trial in self._merged if trial.merged_from not in awaited]

    def _job(self, trials: Sequence[PlannedTrial], packed: bool = False) -> Job:
        self._busy |= {trial.id for trial in trials}
        return make_job(self._sweep, trials, packed=packed)


def make_job(
    sweep: Sweep, pack: Iterable[PlannedTrial], until: int | None = None, packed: bool = False
) -> Job:
    """The job of one pack; paths are absolute, for a worker has a working folder of its own."""
    trials = tuple(
        JobTrial(
            trial.id,
            trial.trial,
            str(trial.data.get("checksum", "")),
            trial.evaluate,
            trial.merged_from,
            trial.lineage,
        )
        for trial in pack
    )
    return Job(
        str(sweep.storage.resolve()),
        str(paths.sweep_folder(sweep).resolve()),
        trials,
        "cuda" if sweep.resources.gpus else "cpu",
        packed,
        probe=packed and probes(sweep.resources),
        until=until,
        components=paths.component_files(sweep),
        bucket=bucket_of(sweep.storage),
        allow_mixed=sweep.allow_mixed,
    )


def _rank(trial: PlannedTrial) -> tuple[int, int]:
    """Priority, and what its training costs."""
    return trial.priority, trial.parameters * int(trial.params.get("epochs", 1))
