"""The jobs of a sweep, as Ray Tune asks for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

from ray.tune.search import Searcher

from sweeper.messages import Job
from sweeper.schedule.nodes import Nodes
from sweeper.storage.signs import StopSign

__all__ = ["JobQueue"]


class JobQueue(Searcher):
    """Gives jobs to Tune one by one, until none is left or the sweep's stop sign is set.

    It ends after its last job, which Tune may give `back`. `most` : of jobs at a time. `waits` :
    whether it has none to give until one of those `under_way` has ended.
    """

    def __init__(
        self, jobs: Iterator[Job | None], nodes: Nodes | None = None, most: int | None = None
    ) -> None:
        super().__init__()
        self._jobs, self._nodes, self._most = jobs, nodes, most
        self.under_way: set[str] = set()
        self.waits = False
        self.back: list[Job] = []
        self._sign: StopSign | None = None

    def stopped(self) -> bool:
        """Whether the stop sign is set."""
        return self._sign is not None and self._sign.is_up()

    def suggest(self, trial_id: str) -> dict[str, str] | None:
        self.waits = bool(self._most) and len(self.under_way) >= (self._most or 0)
        if self.waits:
            return None
        try:
            job = self.back.pop() if self.back else next(self._jobs)
        except StopIteration:
            self.waits = bool(self.under_way) and not self.stopped()
            if self.waits:
                return None
            return cast("None", Searcher.FINISHED)
        if job is None:
            return None
        self._sign = StopSign(job.sweep)
        if self.stopped():
            return cast("None", Searcher.FINISHED)
        self.under_way.add(trial_id)
        if self._nodes:
            job = self._nodes.stamped(job)
        without = self._nodes.without if self._nodes else ""
        return {"job": replace(job, again=True).to_json(), "without": without}

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        self.under_way.discard(trial_id)

    def save(self, checkpoint_path: str) -> None:
        """Tune's folder is disposable."""

    def restore(self, checkpoint_path: str) -> None:
        """Tune's folder is disposable."""

    def __getstate__(self) -> dict[str, Any]:
        return {}
