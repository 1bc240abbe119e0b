"""The trials of a sweep and their status in the storage, before and after it is driven."""

from __future__ import annotations

import functools
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from typing import Any

from analysis.sources.tracking_address import without_password
from sweeper.driver.best import keep, search_result
from sweeper.driver.running_trials import RunningTrials
from sweeper.errors import UserError
from sweeper.messages import Event
from sweeper.planning.readable import describe_data
from sweeper.storage import evaluations as evaluation_store
from sweeper.storage import ledger, paths
from sweeper.storage.addresses import show_storage
from sweeper.storage.attempts import bring_trial
from sweeper.storage.signs import StopSign
from sweeper.sweep import Outcome, PlannedTrial, Source, Sweep
from trainers import TrainerError
from trainers.provenance import sweep_provenance

__all__ = ["Roster"]


class Roster:
    """The trials of one sweep, with their status in the storage before and after it is driven.

    Parameters
    ----------
    source : the search that chooses trials while the sweep runs, if it has one.
    retry_failed : train also trials whose failure would repeat itself.
    """

    def __init__(self, sweep: Sweep, source: Source | None, retry_failed: bool) -> None:
        self.sweep = replace(sweep, trials=source.trials) if source else sweep
        self.folder = paths.sweep_folder(sweep)
        self.sign = StopSign(self.folder)
        self.running = RunningTrials(self.folder)
        self.before: dict[str, ledger.Status] = {}
        self.before = self._status()
        self._source = source
        failed = [trial for trial, status in self.before.items() if status == "failed"]
        self.hopeless = set() if retry_failed else set(filter(self._repeats, failed))
        self.todo = [
            trial
            for trial in self.sweep.trials
            if trial.id not in self.hopeless
            and (self.before[trial.id] != "finished" or self._missing(trial))
        ]

    @functools.cached_property
    def origin(self) -> Mapping[str, Any]:
        """Versions, host and git commit of this run."""
        return sweep_provenance()

    def describe(self) -> None:
        """Read the data of all trials once; `UserError` where they or the storage cannot be used.

        Not while Ray starts: a process that forks as BLAS computes in another thread hangs.
        """
        with self._writing():
            describe_data(self.sweep)

    def begin(self) -> None:
        """Write the sweep and its trials; `UserError` where the storage cannot be used."""
        with self._writing():
            ledger.write_sweep(self.sweep, self.origin)
            ledger.write_trials(self.sweep)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise UserError(
                f"the storage {show_storage(self.sweep.storage)} cannot be written: {error}; make "
                "room, or set `storage` to another folder"
            ) from error

    def grow(self) -> tuple[PlannedTrial, ...]:
        """Add, write and return the trials that the search has proposed since the last call."""
        new = self._source.trials[len(self.sweep.trials) :] if self._source else ()
        if new:
            self.sweep = replace(self.sweep, trials=(*self.sweep.trials, *new))
            self.before |= ledger.status(self.sweep.storage, [trial.id for trial in new])
            ledger.write_trials(replace(self.sweep, trials=tuple(new)))
            ledger.write_sweep(self.sweep, self.origin)
            ledger.publish_appended(paths.journal_file(self.sweep))
        return tuple(new)

    def closed(self) -> dict[str, bool]:
        """The trials that are not trained again, and whether each is finished (or has failed)."""
        return {
            trial: status == "finished"
            for trial, status in self.before.items()
            if status == "finished" or trial in self.hopeless
        }

    def given_up(self) -> list[str]:
        """The trials that an ended search did not train to their last epoch."""
        return self._given_up(self._status()) if self._source else []

    def prune(self, trial: str) -> None:
        """Commit a trial that was given up as pruned, if that can be written."""
        with suppress(OSError, TrainerError):
            ledger.write_pruned(self.sweep.storage, trial)

    def fail(self, trial: str, reason: str) -> None:
        """Commit a failure that the trial's worker could not; a full disk ends no other trial."""
        with suppress(OSError):
            ledger.write_failure(self.sweep.storage, trial, reason)

    def bring(self, events: Sequence[Event]) -> None:
        """Bring the trials of other machines' events up to date, if the storage is on a bucket.

        Where that fails it is done at the next event, or when the result is looked at.
        """
        here = socket.gethostname()
        for event in events:
            if event.host != here and (event.committed or event.ended):
                with suppress(OSError):
                    bring_trial(self.sweep.storage, event.trial)

    def confirm(self, event: Event) -> Event:
        """The event; a failure if it says that a trial is finished, and the storage lacks it."""
        if event.phase != "finished" or ledger.has_finished(self.sweep.storage, event.trial):
            return event
        node = event.host or "its node"
        reason = (
            f"its worker said that it is finished, and its result is not in the storage: {node} "
            f"does not see {show_storage(self.sweep.storage)}, to which the driver writes; mount "
            "it there"
        )
        return replace(event, phase="failed", committed=False, reason=reason)

    def outcome(self, wall_s: float, interrupted: bool, told: Mapping[str, str | None]) -> Outcome:
        """The outcome of the sweep by the storage; `told` holds reasons of failures by trial."""
        after = self._status()
        failures = [
            self._failure(trial, told.get(trial.id))
            for trial in self.sweep.trials
            if after[trial.id] == "failed" or trial.id in told
        ]
        finished = [trial for trial in self.sweep.trials if after[trial.id] == "finished"]
        unanswered = sum(len(self._missing(trial)) for trial in finished)
        found = search_result(self.sweep)
        with suppress(OSError):  # it can be computed again from the storage
            keep(self.sweep, found)
        return Outcome(
            experiment=self.sweep.experiment,
            trials=len(self.sweep.trials),
            finished=len(finished),
            failed=len(failures),
            skipped=sum(status == "finished" for status in self.before.values()),
            wall_s=round(wall_s, 3),
            report=None,
            tracking_uri=without_password(self.sweep.tracking),
            interrupted=interrupted and (len(finished) < len(after) or unanswered > 0),
            failures=tuple(failures),
            unanswered=unanswered,
            pruned=len(self._given_up(after)),
            best=tuple(asdict(one) for one in found.best),
        )

    def _status(self) -> dict[str, ledger.Status]:
        """The status of each trial; one that was finished before is not looked at again."""
        done = {trial: one for trial, one in self.before.items() if one == "finished"}
        rest = [trial.id for trial in self.sweep.trials if trial.id not in done]
        return done | ledger.status(self.sweep.storage, rest)

    def _repeats(self, trial: str) -> bool:
        failed = ledger.failure(self.sweep.storage, trial)
        return failed is not None and failed.repeats

    def _missing(self, trial: PlannedTrial) -> Sequence[object]:
        return evaluation_store.missing(self.sweep.storage, trial.id, trial.evaluate)

    def _given_up(self, states: Mapping[str, ledger.Status]) -> list[str]:
        if self._source is None or not self._source.complete:
            return []
        return [trial for trial, status in states.items() if status in ("running", "pruned")]

    def _failure(self, trial: PlannedTrial, told: str | None) -> dict[str, Any]:
        stored = ledger.failure(self.sweep.storage, trial.id)
        return {
            "trial": trial.id,
            "label": trial.label,
            "line": trial.line,
            "reason": told or (stored.reason if stored else None),
            "before": trial.id in self.hopeless,
        }
