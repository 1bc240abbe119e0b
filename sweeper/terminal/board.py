"""The state of a running sweep, from which the live table is drawn."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sweeper.messages import Event
from sweeper.planning.forecast import Forecast, foresee
from sweeper.storage.ledger import Status
from sweeper.sweep import PlannedTrial, Sweep

__all__ = ["Board", "Line"]


@dataclass
class Line:
    """One trial: its phase, its epoch and its newest metrics."""

    label: str
    epochs: int
    phase: str = "pending"
    epoch: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict)
    reason: str | None = None


class Board:
    """Counts and lines of a sweep, updated by the workers' events.

    `message` says what the driver itself is doing when no trial runs; `hopeless` are trials that
    failed before and are not tried again; `forecast` knows their times, after `foresee`.
    """

    def __init__(
        self,
        title: str,
        trials: Sequence[PlannedTrial],
        before: Mapping[str, Status],
        hopeless: Collection[str] = (),
    ) -> None:
        self.title, self.message = title, ""
        self.lines: dict[str, Line] = {}
        self.notes: list[str] = []
        self.forecast: Forecast | None = None
        self._started = time.monotonic()
        self.add(trials, before)
        for trial in hopeless:
            self.lines[trial].phase = "failed"

    def add(self, trials: Sequence[PlannedTrial], before: Mapping[str, Status]) -> None:
        """Add trials: those of the start, or those that a search or rule adds later."""
        self.lines |= {
            trial.id: Line(trial.label, int(trial.params.get("epochs", 1))) for trial in trials
        }
        for trial, status in before.items():
            if status == "finished":
                self.lines[trial].phase = "finished"
                self.lines[trial].epoch = self.lines[trial].epochs
        if self.forecast:
            self.forecast.add(trials)

    def foresee(self, sweep: Sweep, todo: Sequence[PlannedTrial], inline: bool) -> None:
        """Estimate the trials that are to be trained, one after another where it is `inline`."""
        try:
            self.forecast = foresee(sweep, todo, inline)
        except Exception:  # noqa: BLE001 - an extra: trials of any kind train without
            self.forecast = None

    def hear(self, events: Iterable[Event]) -> None:
        """Update the lines by the workers' events."""
        for event in events:
            line, done = self.lines[event.trial], 0
            line.phase = "running" if event.phase == "started" else event.phase
            line.reason = event.reason
            if event.note:
                self.notes.append(f"{line.label}: {event.note}")
            if event.records:
                newest = event.records[-1]
                done = 0 if event.phase == "started" else max(0, newest.epoch - line.epoch)
                line.epoch = newest.epoch
                line.metrics = {**line.metrics, **newest.metrics}
            if self.forecast:
                self.forecast.hear(event, done)

    def count(self, *phases: str) -> int:
        """How many trials are in one of the phases."""
        return sum(line.phase in phases for line in self.lines.values())

    def in_phase(self, *phases: str) -> dict[str, Line]:
        """The trials in one of the phases, in the grid's order."""
        return {trial: line for trial, line in list(self.lines.items()) if line.phase in phases}

    @property
    def share(self) -> float:
        """The fraction of all epochs that is done; a trial that has ended counts as done."""
        total = sum(line.epochs for line in self.lines.values())
        return 1 - sum(self._remaining().values()) / total if total else 1.0

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self._started

    @property
    def left_s(self) -> float | None:
        """Estimated seconds to the end; None where nothing was estimated."""
        return self.forecast.left_s(self._remaining()) if self.forecast else None

    def _remaining(self) -> dict[str, int]:
        """The epochs that are left of each trial that has not ended."""
        return {
            trial: max(0, line.epochs - line.epoch)
            for trial, line in list(self.lines.items())
            if line.phase not in ("finished", "failed", "pruned")
        }
