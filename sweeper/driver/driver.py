"""The driver of one sweep: it starts workers, hears their news, and passes them on."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from rich.console import Console

from sweeper.driver.best import best, keep_found
from sweeper.driver.feed import Feed
from sweeper.driver.interrupt import stop_on_signal
from sweeper.driver.jobs import Jobs
from sweeper.errors import UserError
from sweeper.messages import Event, Phase
from sweeper.plan.readable import require_readable
from sweeper.schedule import Schedule
from sweeper.schedule.host import Host, open_schedule
from sweeper.storage import evaluations as evaluation_store
from sweeper.storage import ledger, paths
from sweeper.storage.claims import Claims
from sweeper.storage.provenance import provenance
from sweeper.sweep import Outcome, PlannedTrial, Source, Sweep
from sweeper.terminal.board import Board
from sweeper.terminal.live import show
from sweeper.tracking.delivery import Backlog, Delivery, RunStatus
from trainers import TrainerError

__all__ = ["Driver"]

PATIENCE, IMPATIENCE, LOOK_EVERY = 30.0, 8.0, 0.5
RUN_STATUS: dict[Phase, RunStatus] = {
    "started": "RUNNING",
    "running": "RUNNING",
    "stopped": "KILLED",
    "pruned": "KILLED",
    "finished": "FINISHED",
    "failed": "FAILED",
}


class Driver:
    """Brings one sweep from where storage says that it is to its end.

    Parameters
    ----------
    sweep : what to train. console : where to show it. live : as a live table, on a terminal.
    retry_failed : train also what failed before in a way that would only happen again.
    source : what decides which trials are trained, and how long, in the place of all of them.
    """

    def __init__(
        self,
        sweep: Sweep,
        console: Console,
        live: bool = True,
        retry_failed: bool = False,
        source: Source | None = None,
    ) -> None:
        sweep = replace(sweep, trials=source.trials) if source else sweep
        self._sweep, self._console, self._live = sweep, console, live
        self._source, self._claims = source, Claims(sweep.storage)
        self._feed = Feed(sweep, source, self._claims) if source else None
        ids = [trial.id for trial in sweep.trials]
        self._before = ledger.status(sweep.storage, ids)
        self._hopeless = (
            set()
            if retry_failed
            else {
                trial.id
                for trial in sweep.trials
                if self._before[trial.id] == "failed"
                and (failed := ledger.failure(sweep.storage, trial.id))
                and failed.repeats
            }
        )
        self._todo = [
            trial
            for trial in sweep.trials
            if trial.id not in self._hopeless
            and (self._before[trial.id] != "finished" or self._missing(trial))
        ]
        self._jobs = Jobs(sweep, self._todo, self._claims)
        self._board = Board(
            f"{sweep.experiment}  {sweep.name}", sweep.trials, self._before, self._hopeless
        )
        self._sign = ledger.StopSign(paths.sweep_folder(sweep))
        self._interrupted = False

    @property
    def idle(self) -> bool:
        """Whether nothing is left to train or to evaluate."""
        return self._feed.idle if self._feed else not self._todo

    def drive(self, inline: bool = False) -> None:
        """Train, show and deliver; returns when the sweep is finished or was stopped."""
        origin = provenance()
        delivery = Delivery(self._sweep, origin)
        with (
            show(self._board, self._console, self._live),
            self._claims,
            stop_on_signal(self._stop) as take_signals,
        ):
            host = None if self.idle else self._open(inline)
            try:
                if host:
                    require_readable(self._sweep)
                self._write_plan(origin)
                delivery.start()
                self._show_closed(delivery)
                self._grow(delivery)
                if host and (schedule := host.schedule(self._sign.is_up)):
                    take_signals()
                    self._train(schedule, delivery)
            except KeyboardInterrupt:
                self._interrupted = True
            finally:
                self._close(host, delivery)
        for note in self._board.notes:
            self._console.print(note, style="yellow", markup=False, soft_wrap=True)

    def outcome(self, wall_s: float) -> Outcome:
        """How the sweep stands, by what storage holds."""
        after = ledger.status(self._sweep.storage, self._before)
        failures = [
            self._failure(trial)
            for trial in self._sweep.trials
            if "failed" in (after[trial.id], self._board.lines[trial.id].phase)
        ]
        finished = sum(status == "finished" for status in after.values())
        unanswered = sum(
            len(self._missing(trial))
            for trial in self._sweep.trials
            if after[trial.id] == "finished"
        )
        found = best(self._sweep)
        with suppress(OSError):  # the sweep has ended, and what it found can be found again
            keep_found(self._sweep, found)
        return Outcome(
            experiment=self._sweep.experiment,
            trials=len(self._sweep.trials),
            finished=finished,
            failed=len(failures),
            skipped=sum(status == "finished" for status in self._before.values()),
            wall_s=round(wall_s, 3),
            report=None,
            tracking_uri=self._sweep.tracking,
            interrupted=self._interrupted and (finished < len(after) or unanswered > 0),
            failures=tuple(failures),
            unanswered=unanswered,
            pruned=len(self._given_up(after)),
            best=tuple(asdict(one) for one in found),
        )

    def _show_closed(self, delivery: Delivery) -> None:
        for trial, status in self._before.items():
            if status == "finished" or trial in self._hopeless:
                delivery.notice(trial, "FINISHED" if status == "finished" else "FAILED")

    def _write_plan(self, origin: Mapping[str, Any]) -> None:
        try:
            ledger.write_sweep(self._sweep, origin)
            ledger.write_trials(self._sweep)
        except OSError as error:
            raise UserError(
                f"the storage {self._sweep.storage} cannot be written: {error}; make "
                "room, or set `storage` to another folder"
            ) from error

    def _open(self, inline: bool) -> Host:
        """Begin to start the workers; the driver has other things to do meanwhile."""
        self._board.message = "starting" if inline else "starting Ray"
        return Host(partial(open_schedule, self._sweep, inline, self._say))

    def _train(self, schedule: Schedule, delivery: Delivery) -> None:
        """Hand out what is to be trained, for as long as there is some."""

        def hear(events: list[Event]) -> None:
            self._board.message = self._board.message if self._interrupted else ""
            self._hear(events, delivery)

        if not self._interrupted:
            self._board.message = "starting the workers"
        while True:
            jobs = self._feed.jobs(partial(self._grow, delivery)) if self._feed else self._jobs
            schedule.run(jobs, self._sweep.resources, hear, ahead=self._feed is None)
            if self._feed and self._feed.error:
                raise self._feed.error
            if not self._await_others((self._feed or self._jobs).elsewhere):
                return

    def _await_others(self, trials: Sequence[str]) -> bool:
        """Wait until other drivers let go of one of the trials; False if that is of no use."""
        if trials and not self._sign.is_up():
            self._say(
                f"waiting for {len(trials)} trial{'s' * (len(trials) > 1)} that another "
                f"sweep trains ({self._claims.holders(trials)})"
            )
        while trials and not self._sign.is_up():
            if self._claims.free(trials):
                return True
            time.sleep(LOOK_EVERY)
        return False

    def _grow(self, delivery: Delivery) -> None:
        """Take in the trials that the search has made up since the last time."""
        new = self._source.trials[len(self._sweep.trials) :] if self._source else ()
        if not new:
            return
        self._sweep = replace(self._sweep, trials=(*self._sweep.trials, *new))
        before = ledger.status(self._sweep.storage, [trial.id for trial in new])
        self._before |= before
        self._board.add(new, before)
        ledger.write_trials(replace(self._sweep, trials=new))
        ledger.write_sweep(self._sweep, provenance())
        delivery.grow(self._sweep)
        for trial, status in before.items():
            if status == "finished":
                delivery.notice(trial, "FINISHED")

    def _given_up(self, states: Mapping[str, ledger.Status]) -> list[str]:
        """What a search that has ended did not carry to its end."""
        ended = self._source is not None and self._source.complete
        return [
            trial for trial, status in states.items() if ended and status in ("running", "pruned")
        ]

    def _hear(self, events: Sequence[Event], delivery: Delivery) -> None:
        self._board.hear(events)
        (self._feed or self._jobs).hear(events)
        for event in events:
            if event.phase == "failed" and not event.committed:
                with suppress(OSError):  # a full disk does not end the other trials
                    ledger.write_failure(
                        self._sweep.storage, event.trial, event.reason or "unknown"
                    )
            if event.committed or event.phase != "running":
                delivery.notice(event.trial, RUN_STATUS[event.phase])
        self._claims.drop(event.trial for event in events if event.ended)

    def _close(self, host: Host | None, delivery: Delivery) -> None:
        """Free the workers while the tracker gets the rest."""
        self._interrupted |= self._sign.is_up()  # `sweeper stop` puts it up, too
        for trial, line in self._board.in_phase("running").items():
            line.phase = "stopped"
            delivery.notice(trial, "KILLED")
        for trial in self._given_up(ledger.status(self._sweep.storage, self._before)):
            with suppress(OSError, TrainerError):
                ledger.write_pruned(self._sweep.storage, trial)
            delivery.notice(trial, "KILLED")
        if not self._interrupted:
            self._board.message = "handing the rest to MLflow"
        if host:
            host.close()
        try:
            backlog = delivery.close(
                self._verdict(), IMPATIENCE if self._interrupted else PATIENCE
            )
            if host:
                host.join()
        except KeyboardInterrupt:
            backlog = Backlog(0, "it was interrupted")
        if backlog.trials or backlog.error:
            self._board.notes.append(
                f"MLflow does not have everything yet ({backlog.error}); {backlog.trials} trials "
                "wait in the storage, and the same command delivers them"
            )

    def _stop(self) -> None:
        self._interrupted = True
        self._sign.put_up()
        self._say(
            "stopping: each trial ends its epoch and saves a checkpoint; "
            "Ctrl-C again leaves at once"
        )

    def _say(self, message: str) -> None:
        """Say what the driver itself does: below the table, or as a line where there is none."""
        self._board.message = message
        if not self._console.is_terminal:
            self._console.print(message, markup=False, soft_wrap=True)

    def _verdict(self) -> RunStatus:
        states = ledger.status(self._sweep.storage, self._before)
        done = self._board.count("finished") + len(self._given_up(states))
        if done == len(self._sweep.trials):
            return "FINISHED"
        return "KILLED" if self._interrupted else "FAILED"

    def _missing(self, trial: PlannedTrial) -> Sequence[object]:
        """The evaluations that are asked of a trial and not in the storage yet."""
        return evaluation_store.missing(self._sweep.storage, trial.id, trial.evaluate)

    def _failure(self, trial: PlannedTrial) -> dict[str, Any]:
        stored = ledger.failure(self._sweep.storage, trial.id)
        reason = self._board.lines[trial.id].reason or (stored.reason if stored else None)
        return {
            "trial": trial.id,
            "label": trial.label,
            "line": trial.line,
            "reason": reason,
            "before": trial.id in self._hopeless,
        }
