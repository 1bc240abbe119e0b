"""Deliver the trials in the storage to MLflow, in a thread that never blocks the sweep."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweeper.storage import ledger
from sweeper.storage.delivered import read_delivered, write_delivered
from sweeper.sweep import Sweep
from sweeper.tracking.connection import first_line, settle, unmade_store
from sweeper.tracking.importing import import_exporter, import_mlflow
from sweeper.tracking.run_status import RunStatus
from trainers.checkpoint import Commit

if TYPE_CHECKING:
    from sweeper.tracking.tracker import Tracking

__all__ = ["Backlog", "Delivery", "RunStatus", "deliver_report"]

LATEST, LONGEST_PAUSE = 10.0, 30.0
LAST_PAUSE = 0.5
LAST_TRIES = 3
NOTE_EVERY = 10.0


@dataclass(frozen=True)
class Backlog:
    """The trials that were not delivered to the tracker, and the last error.

    `refused` is the reason why it did not accept artifacts of delivered trials.
    """

    trials: int
    error: str | None = None
    refused: str | None = None


class Delivery:
    """The one writer of the tracker.

    The queue is a set of trial ids, because their records are in the storage: a tracker that is
    slow, down or full uses no memory and fails no trial. When it answers again it gets each
    trial's newest commit; the next run of the same sweep delivers what is still missing.

    pace : the seconds from one round of deliveries to the next, so that a trial with much news is
        delivered once a round, and a short one once in all.
    """

    def __init__(self, sweep: Sweep, provenance: Mapping[str, Any], pace: float = 1.0) -> None:
        self._sweep, self._provenance, self._pace = sweep, provenance, pace
        self._waiting: dict[str, RunStatus] = {}
        self._changed = threading.Condition()
        self._closing, self._begin = threading.Event(), threading.Event()
        self._deadline, self._patience, self._failures = float("inf"), 0.0, 0
        self._end: RunStatus | None = None
        self._error: str | None = None
        self._tracking: Tracking | None = None
        self._delivered, self._noted = read_delivered(sweep), 0.0
        self._grown = self._begun = self._forsaken = False
        self._unwatch: Callable[[], None] = lambda: None
        self._thread = threading.Thread(target=self._work, name="tracking", daemon=True)

    def start(self) -> None:
        """Start the thread that delivers, from `begin` on."""
        self._thread.start()

    @property
    def begun(self) -> bool:
        """Whether `begin` was called."""
        return self._begin.is_set()

    def begin(self) -> None:
        """Open the tracker and deliver.

        Called when the workers have begun: to make a store takes seconds, in which they would
        start later. Without a call it begins after `LATEST` seconds.
        """
        self._begin.set()

    def notice(self, trial: str, status: RunStatus) -> None:
        """Add a trial with new records in the storage to the queue; returns at once."""
        with self._changed:
            self._waiting[trial] = status
            self._changed.notify()

    def grow(self, sweep: Sweep) -> None:
        """Replace the sweep by the same one with more trials."""
        with self._changed:
            self._sweep, self._grown = sweep, True

    def close(self, status: RunStatus, patience: float) -> Backlog:
        """Deliver the rest and the sweep's status; returns what could not be delivered.

        It gives up `patience` seconds after the tracker's last answer. A sweep that was stopped
        before it had any records is not delivered.
        """
        with self._changed:
            self._forsaken = status == "KILLED" and not self._begun and not self._waiting
            self._end, self._failures, self._patience = status, 0, patience
            if self._forsaken:
                self._end, patience = None, 0.0
            self._deadline = time.monotonic() + patience
            self._closing.set()
            self._begin.set()
            self._changed.notify()
        while self._thread.is_alive() and time.monotonic() < self._deadline:
            self._thread.join(0.2)
        with self._changed:
            if self._end is None and not self._waiting:
                return Backlog(0, refused=self._tracking.refused if self._tracking else None)
            return Backlog(len(self._waiting), self._error or f"no answer in {patience:g} s")

    def _work(self) -> None:
        self._begin.wait(LATEST)
        while self._await_work():
            self._deliver_round()
        if self._tracking:
            self._write_delivered()
        self._unwatch()
        try:
            if self._tracking and self._end:
                if self._grown:
                    self._tracking.grow(self._sweep)
                    self._tracking.describe_sweep()
                if not self._waiting:
                    self._tracking.end_left_running()
                self._tracking.end_sweep(self._end)
                self._end = None
        except Exception as error:  # noqa: BLE001 - the same
            self._error = first_line(error)

    def _await_work(self) -> bool:
        """Wait for work; False when everything is delivered or the time is over."""
        with self._changed:
            while not self._waiting and self._tracking and not self._closing.is_set():
                self._changed.wait()
            if not self._closing.is_set():
                return True
            hope = time.monotonic() < self._deadline and self._failures < LAST_TRIES
            return hope and bool(self._waiting or not self._tracking)

    def _deliver_round(self) -> None:
        """Deliver what waits, and then rest until the next round is due."""
        due = time.monotonic() + self._pace
        try:
            self._deliver_next()
            while self._waiting and not self._closing.is_set():
                self._deliver_next()
            if self._sweep.models.which == "best" and not self._closing.is_set():
                import_exporter()
        except Exception as error:  # noqa: BLE001 - no failure of a tracker may end a sweep
            self._pause(error)
        self._closing.wait(max(0.0, due - time.monotonic()))

    def _deliver_next(self) -> None:
        if self._tracking is None:
            self._tracking = self._open()
        with self._changed:
            trial, status = next(iter(self._waiting.items()), (None, None))
        if trial is None or status is None or self._tracking is None:
            return
        with self._changed:
            del self._waiting[trial]
        try:
            commit = ledger.newest_commit(self._sweep.storage, trial)
            self._tracking.grow(self._sweep)
            self._tracking.show_trial(trial, commit, status)
        except BaseException:
            with self._changed:
                self._waiting.setdefault(trial, status)
            raise
        self._failures = 0
        self._note(trial, commit)
        self._heard()

    def _heard(self) -> None:
        """Give the tracker, which has answered, time for more before `close` gives up."""
        if self._closing.is_set():
            self._deadline = time.monotonic() + self._patience

    def _note(self, trial: str, commit: Commit | None) -> None:
        """Note a delivered commit; written at intervals and at the end, for `sweeper status`."""
        self._delivered[trial] = commit.progress.epoch if commit else 0
        if time.monotonic() - self._noted > NOTE_EVERY:
            self._write_delivered()

    def _write_delivered(self) -> None:
        self._noted = time.monotonic()
        with suppress(OSError):
            write_delivered(self._sweep, self._delivered)

    def _open(self) -> Tracking | None:
        """Open the tracker; None if the sweep was stopped before it had any records."""
        import_mlflow()  # in this thread, if it was not before: it takes seconds
        from sweeper.tracking.system_metrics import watch_machine
        from sweeper.tracking.tracker import Tracking

        with self._changed:
            self._begun = not self._forsaken
        if not self._begun:
            return None
        tracking = Tracking(self._sweep, self._provenance, self._heard)
        tracking.describe_sweep()
        tracking.runs.end_abandoned()
        self._unwatch = watch_machine(self._sweep.tracking, tracking.runs.parent)
        return tracking

    def _pause(self, error: Exception) -> None:
        """Wait after a failure, longer after each one; a fixed short time while `close` waits."""
        self._failures += 1
        self._error = first_line(error)
        if self._closing.is_set():
            time.sleep(LAST_PAUSE)
        else:
            self._closing.wait(min(LONGEST_PAUSE, 0.25 * 2**self._failures))


def deliver_report(sweep: Sweep, folder: Path, patience: float = 15.0) -> str | None:
    """Add a report to the sweep's run; returns the reason if that failed, else None."""
    answer: list[str | None] = []

    def work() -> None:
        settle()
        try:
            answer.append(_add_report(sweep, folder))
        except Exception as error:  # noqa: BLE001 - the report lies in the storage anyway
            answer.append(first_line(error))

    thread = threading.Thread(target=work, name="report", daemon=True)
    thread.start()
    thread.join(patience)
    return answer[0] if answer else f"no answer in {patience:g} s"


def _add_report(sweep: Sweep, folder: Path) -> str | None:
    """Add the files to the sweep's run; returns the reason if there is no run, else None."""
    if unmade_store(sweep.tracking):
        return "there is no tracking store yet"
    from sweeper.tracking.files import add_report

    found = add_report(sweep.tracking, sweep.experiment, sweep.name, folder)
    return None if found else "the tracker has no run of the sweep"
