"""The driver of one sweep: it starts workers, and passes their events to table and tracker."""

from __future__ import annotations

import shlex
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from rich.console import Console

from sweeper.driver.feed import Feed
from sweeper.driver.interrupt import stop_on_signal
from sweeper.driver.jobs import Jobs
from sweeper.driver.roster import Roster
from sweeper.errors import UserError
from sweeper.messages import Event, Phase
from sweeper.schedule.host import Host, open_schedule
from sweeper.storage.claims import Claims
from sweeper.sweep import Outcome, Source, Sweep
from sweeper.terminal.board import Board
from sweeper.terminal.live import show
from sweeper.tracking.delivery import Backlog, Delivery, RunStatus

__all__ = ["Driver"]

PATIENCE, IMPATIENCE, LOOK_EVERY = 60.0, 8.0, 0.5  # to make a store takes MLflow 5 s if idle
RUN_STATUS: dict[Phase, RunStatus] = {
    "started": "RUNNING",
    "running": "RUNNING",
    "stopped": "KILLED",
    "pruned": "KILLED",
    "finished": "FINISHED",
    "failed": "FAILED",
}


class Driver:
    """Trains what the storage lacks of one sweep, shows it, and delivers it to the tracker.

    Parameters
    ----------
    console : where to show progress. live : as a live table instead of lines.
    retry_failed : train also trials whose failure would repeat itself (they diverged).
    source : the search that chooses what is trained; None trains all trials to their end.
    """

    def __init__(
        self,
        sweep: Sweep,
        console: Console,
        live: bool = True,
        retry_failed: bool = False,
        source: Source | None = None,
    ) -> None:
        self._console, self._live = console, live
        self._roster = roster = Roster(sweep, source, retry_failed)
        self._claims = Claims(sweep.storage, roster.folder)
        self._feed = Feed(roster.sweep, source, self._claims) if source else None
        self._jobs = Jobs(roster.sweep, roster.todo, self._claims)
        title = f"{sweep.experiment}  {sweep.name}"
        self._board = Board(title, roster.sweep.trials, roster.before, roster.hopeless)
        self._sign = roster.sign
        self._interrupted, self._signal = False, 0
        self._backlog = Backlog(0)

    @property
    def idle(self) -> bool:
        """Whether nothing is left to train or to evaluate."""
        return self._feed.idle if self._feed else not self._roster.todo

    def drive(
        self,
        inline: bool = False,
        start: Callable[[], None] | None = None,
        begun: Callable[[], None] = lambda: None,
    ) -> None:
        """Train, show and deliver; returns when the sweep is finished or was stopped.

        start : called before the first worker is, if there is anything to train. begun : when it
        has begun.
        """
        delivery = Delivery(self._roster.sweep, self._roster.origin)
        with (
            show(self._board, self._console, self._live),
            self._claims,
            stop_on_signal(self._stop) as take_signals,
        ):
            host = None
            try:
                if not self.idle:
                    self._roster.describe()
                    if start:
                        start()
                    host = self._open(inline)
                self._roster.begin()
                self._board.foresee(self._roster.sweep, self._roster.todo, inline)
                delivery.start()
                for trial, finished in self._roster.closed().items():
                    delivery.notice(trial, "FINISHED" if finished else "FAILED")
                self._grow(delivery)
                if host:
                    self._train(host, delivery, take_signals, begun)
            except KeyboardInterrupt:
                self._interrupted = True
            finally:
                self._close(host, delivery)
        for note in self._board.notes:
            self._console.print(note, style="yellow", markup=False, soft_wrap=True)

    def outcome(self, wall_s: float) -> Outcome:
        """The outcome of the sweep, read from the storage."""
        told = {trial: line.reason for trial, line in self._board.in_phase("failed").items()}
        outcome = self._roster.outcome(wall_s, self._interrupted, told)
        return replace(
            outcome,
            signal=self._signal,
            undelivered=self._backlog.trials,
            tracker_error=self._backlog.error,
        )

    def _open(self, inline: bool) -> Host:
        """Start the workers in a thread, while the driver writes and delivers."""
        self._board.message = "starting" if inline else "starting Ray"
        if inline:
            self._jobs.spread(1)
        return Host(partial(open_schedule, self._roster.sweep, inline, self._say, self._warn))

    def _train(
        self,
        host: Host,
        delivery: Delivery,
        take_signals: Callable[[], None],
        begun: Callable[[], None],
    ) -> None:
        """Run jobs until none is left, or the sweep is stopped."""
        schedule = host.schedule(self._sign.is_up)
        if schedule is None:
            return
        take_signals()
        if self._roster.sweep.cluster != "local":  # its places were not known before
            there = schedule.places(self._roster.sweep.resources)
            self._jobs.spread(there)
            if self._board.forecast:
                self._board.forecast.spread(there)

        def hear(events: list[Event]) -> None:
            self._board.message = self._board.message if self._interrupted else ""
            self._hear(events, delivery)
            if not delivery.begun:
                delivery.begin()
                begun()

        if not self._interrupted:
            self._board.message = "starting the workers"
        while True:
            jobs = self._feed.jobs(partial(self._grow, delivery)) if self._feed else self._jobs
            try:
                schedule.run(jobs, self._roster.sweep.resources, hear, ahead=self._feed is None)
            except UserError:  # Ray may have got the signal, too, and have died of it
                if not self._interrupted:
                    raise
            if self._feed and self._feed.error:
                raise self._feed.error
            if not self._await_others((self._feed or self._jobs).elsewhere):
                return

    def _await_others(self, trials: Sequence[str]) -> bool:
        """Wait until another driver releases one of the trials; False if waiting is of no use."""
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
        """Show and deliver the trials that the search has proposed since the last call."""
        new = self._roster.grow()
        if not new:
            return
        before = {trial.id: self._roster.before[trial.id] for trial in new}
        self._board.add(new, before)
        delivery.grow(self._roster.sweep)
        for trial, status in before.items():
            if status == "finished":
                delivery.notice(trial, "FINISHED")

    def _hear(self, told: Sequence[Event], delivery: Delivery) -> None:
        self._roster.bring(told)
        events = [self._roster.confirm(event) for event in told]
        self._board.hear(events)
        (self._feed or self._jobs).hear(events)
        self._roster.running.hear(events)
        for event in events:
            if event.phase == "failed" and not event.committed:
                self._roster.fail(event.trial, event.reason or "unknown")
            if event.committed or event.phase != "running":
                delivery.notice(event.trial, RUN_STATUS[event.phase])
        self._claims.drop(event.trial for event in events if event.ended)

    def _close(self, host: Host | None, delivery: Delivery) -> None:
        """Free the workers while the tracker gets the rest."""
        self._interrupted |= self._sign.is_up(age_s=0)  # the workers may have seen it first
        self._roster.running.close()
        if self._board.forecast:
            self._board.forecast.keep()
        for trial, line in self._board.in_phase("running").items():
            line.phase = "stopped"
            delivery.notice(trial, "KILLED")
        for trial in self._roster.given_up():
            self._roster.prune(trial)
            delivery.notice(trial, "KILLED")
        if not self._interrupted:
            self._board.message = "handing the rest to MLflow"
        if host:
            host.close()
        try:
            self._backlog = delivery.close(
                self._verdict(), IMPATIENCE if self._interrupted else PATIENCE
            )
            if host:
                host.join()
        except KeyboardInterrupt:
            self._backlog = Backlog(0, "it was interrupted")
        self._note(self._backlog)

    def _note(self, backlog: Backlog) -> None:
        """Add to the notes what MLflow does not have."""
        if backlog.trials or backlog.error:
            self._board.notes.append(
                f"MLflow does not have everything yet ({backlog.error}); {backlog.trials} trials "
                "wait in the storage, and the same command delivers them"
            )
        if backlog.refused:
            again = shlex.join(["sweeper", "reconcile", self._roster.sweep.experiment])
            self._board.notes.append(
                "MLflow has every number, and not every picture, table and model "
                f"({backlog.refused}); mend that, and `{again}` delivers them"
            )

    def _stop(self, number: int) -> None:
        self._interrupted, self._signal = True, number
        self._sign.put_up_here()
        threading.Thread(target=self._tell_bucket, daemon=True).start()
        self._say(
            "stopping: each trial ends its epoch and saves a checkpoint; "
            "Ctrl-C again leaves at once"
        )

    def _tell_bucket(self) -> None:
        """Set the stop sign for the workers of other machines, if the storage is on a bucket."""
        with suppress(OSError):
            self._sign.put_up_there()

    def _say(self, message: str) -> None:
        """Show what the driver is doing: below the table, or as a line if there is no table."""
        self._board.message = message
        if not self._console.is_terminal:
            self._console.print(message, markup=False, soft_wrap=True)

    def _warn(self, message: str) -> None:
        """Show a sentence now, and again at the end."""
        if message not in self._board.notes:
            self._board.notes.append(message)
            self._say(message)

    def _verdict(self) -> RunStatus:
        done = self._board.count("finished") + len(self._roster.given_up())
        if done == len(self._roster.sweep.trials):
            return "FINISHED"
        return "KILLED" if self._interrupted else "FAILED"
