"""The jobs of a sweep, as Ray Tune asks for them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from ray.tune.search import Searcher

from sweeper.messages import Job
from sweeper.schedule.deaths import RETRIES
from sweeper.schedule.nodes import Nodes
from sweeper.storage import ledger
from sweeper.storage.evaluations import missing
from sweeper.storage.signs import StopSign

__all__ = ["JobQueue", "Try"]

SILENCE = 30.0  # seconds


@dataclass(frozen=True)
class Try:
    """A job that is tried; to Tune each try of it is a trial of its own.

    Parameters
    ----------
    asked : the resources that it requests, by Ray's names.
    deaths : how many of its workers died, those not counted that no job is to blame for.
    """

    job: Job
    asked: Mapping[str, float]
    deaths: int = 0

    def config(self, without: str = "") -> dict[str, Any]:
        """The configuration of the trial; `without` : the ids of nodes where it must not run."""
        return {
            "job": replace(self.job, again=self.deaths < RETRIES).to_json(),
            "asked": dict(self.asked),
            "deaths": self.deaths,
            "without": without,
        }

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Try:
        """The try that `config` describes."""
        return cls(Job.from_json(config["job"]), config["asked"], config["deaths"])

    def is_done(self) -> bool:
        """Whether the storage has all that the job makes, as far as this host sees."""
        job = self.job
        states = ledger.status(job.storage, [one.id for one in job.trials])
        return set(states.values()) == {"finished"} and not any(
            missing(job.storage, one.id, one.evaluate) for one in job.trials
        )


class JobQueue(Searcher):
    """Gives jobs to Tune one by one, until none is left or the sweep's stop sign is set.

    Parameters
    ----------
    asked : the resources that each requests. nodes : of a cluster. most : of jobs at a time.
    """

    def __init__(
        self,
        jobs: Iterator[Job | None],
        asked: Mapping[str, float],
        nodes: Nodes | None = None,
        most: int | None = None,
    ) -> None:
        super().__init__()
        self._jobs, self._asked, self._nodes, self._most = jobs, asked, nodes, most
        self._under_way: dict[str, Try] = {}
        self._heard: dict[str, float] = {}  # of those under way, when `unheard` looked, too
        self._back: list[Try] = []
        self._sign: StopSign | None = None

    def stopped(self) -> bool:
        """Whether the stop sign is set."""
        return self._sign is not None and self._sign.is_up()

    def give_back(self, lost: Try) -> None:
        """Have a job tried again, before those that Tune has not asked for yet."""
        self._back.append(lost)

    def suggest(self, trial_id: str) -> dict[str, Any] | None:
        if self._most and len(self._under_way) >= self._most:
            return None
        try:
            found = self._back.pop() if self._back else self._new()
        except StopIteration:
            if self._under_way and not self.stopped():  # one of them may be given back
                return None
            return cast("None", Searcher.FINISHED)
        if found is None:
            return None
        self._sign = StopSign(found.job.sweep)
        if self.stopped():
            return cast("None", Searcher.FINISHED)
        self._under_way[trial_id], self._heard[trial_id] = found, time.monotonic()
        if not self._nodes:
            return found.config()
        return replace(found, job=self._nodes.stamped(found.job)).config(self._nodes.without)

    def _new(self) -> Try | None:
        """The first try of the next job, if that depends on no running one."""
        job = next(self._jobs)
        return Try(job, self._asked) if job else None

    def unheard(self) -> set[str]:
        """Tune's ids of jobs that say nothing for `SILENCE` seconds, though all is in the storage.

        Each is looked for once in that time.
        """
        now, found = time.monotonic(), set[str]()
        for trial_id in [one for one, heard in self._heard.items() if now - heard >= SILENCE]:
            self._heard[trial_id] = now
            if self._under_way[trial_id].is_done():
                found.add(trial_id)
        return found

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        if trial_id in self._under_way:
            self._heard[trial_id] = time.monotonic()

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        self._under_way.pop(trial_id, None)
        self._heard.pop(trial_id, None)

    def save(self, checkpoint_path: str) -> None:
        """Tune's folder is disposable."""

    def restore(self, checkpoint_path: str) -> None:
        """Tune's folder is disposable."""

    def __getstate__(self) -> dict[str, Any]:
        return {}
