"""How long the rest of a running sweep takes, by estimates that its own trials correct."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sweeper.messages import Event
from sweeper.planning.capacity import BUSY, crowding, estimates, filled, places
from sweeper.planning.speeds import Speed, Speeds, speeds_of
from sweeper.sweep import PlannedTrial, Sweep
from sweeper.worker.packs import make_packs, pack_size
from trainers.datasets import load

__all__ = ["Forecast", "foresee", "uncertain"]

WINDOW = 300.0  # seconds, in which the pace of a sweep is measured
MARKS = 1000
LEAST = 16  # marks by which the pace is measured, however long they took
TRUST = 10.0  # seconds of work at the pace that was foreseen, which count as much as measured ones
UNTRAINED = Speed(0.0, 0.0, 0.0)


@dataclass
class Program:
    """Trials that share an estimate: one of them, and what is known of their time by now."""

    trial: PlannedTrial
    speed: Speed


@dataclass(frozen=True)
class Mark:
    """Work that was done since the mark before: epochs of a trial, and whether it ended so.

    slot_s : seconds since then, of all packs together.
    """

    time: float
    trial: str
    epochs: int
    ended: bool
    slot_s: float


class Forecast:
    """Foresees the time left of a sweep.

    The work left is the estimated time of each trial, divided among the packs that train at once.
    It is multiplied by the pace: the time by the clock that as much work took in the last five
    minutes, so that a busy machine and a wrong estimate are corrected alike, and in the first
    seconds not by chance. What a finished trial took replaces what was estimated of its program.

    Parameters
    ----------
    speeds : what was measured before. trials : those that are to be trained.
    slots : how many packs train at once. pack : the trials of one. crowding : the pace before
        anything was measured.
    """

    def __init__(
        self,
        speeds: Speeds,
        trials: Sequence[PlannedTrial],
        slots: int,
        pack: int = 1,
        crowding: float = 1.0,
    ) -> None:
        self._speeds, self._slots, self._pack, self._crowding = speeds, slots, pack, crowding
        self._programs: dict[str, Program] = {}
        self._open = set[str]()
        self._marks: deque[Mark] = deque(maxlen=MARKS)
        self.add(trials)

    def add(self, trials: Sequence[PlannedTrial]) -> None:
        """Estimate trials that are to be trained; `UserError` if their data cannot be read."""
        shared: dict[object, Program] = {}
        known = estimates(trials, self._speeds)
        for trial in trials:
            found = known[trial.id]
            own = Program(trial, UNTRAINED if trial.merged_from else found.speed)
            key = "merged" if trial.merged_from else id(found)
            self._programs[trial.id] = shared.setdefault(key, own)
            self._open.add(trial.id)

    def spread(self, slots: int) -> None:
        """So many packs train at once: of a cluster that is known later than the trials."""
        self._slots = slots

    def hear(self, event: Event, epochs: int) -> None:
        """Note that a trial is so many epochs further, and what it took if it has finished."""
        program = self._programs.get(event.trial)
        if program is None:
            return
        if event.spent:
            program.speed = program.speed.after(event.spent)
            self._speeds.learn(program.trial, program.speed)
        if epochs or event.spent:
            now = time.monotonic()
            slot_s = (now - self._marks[-1].time) * self._busy() if self._marks else 0.0
            self._marks.append(Mark(now, event.trial, epochs, bool(event.spent), slot_s))
        if event.ended:
            self._open.discard(event.trial)

    def left_s(self, epochs: Mapping[str, int]) -> float | None:
        """Seconds until trials have trained so many epochs more; None if one is not estimated."""
        if not set(epochs) <= set(self._programs):
            return None
        work = [self._programs[trial].speed.seconds(count) for trial, count in epochs.items()]
        since = time.monotonic() - self._marks[-1].time if self._marks else 0.0
        return max(0.0, self._pace() * filled(work, self._slots) - since)

    def keep(self) -> None:
        """Write what was measured to the storage, for the plans of later sweeps."""
        self._speeds.keep()

    def _busy(self) -> int:
        """How many packs train, if none waits without need."""
        return min(self._slots, -(-len(self._open) // self._pack))

    def _pace(self) -> float:
        """Seconds of a pack by the clock in which one second of the estimated work is done."""
        while len(self._marks) > LEAST and self._marks[-1].time - self._marks[0].time > WINDOW:
            self._marks.popleft()
        later = list(self._marks)[1:]  # what the first tells of began before it
        work, took = sum(map(self._work, later)), sum(mark.slot_s for mark in later)
        return (took + TRUST * self._crowding) / (work + TRUST)

    def _work(self, mark: Mark) -> float:
        speed = self._programs[mark.trial].speed
        return mark.epochs * speed.epoch_s + mark.ended * speed.rest_s


def foresee(sweep: Sweep, todo: Sequence[PlannedTrial], inline: bool = False) -> Forecast:
    """The forecast of the trials of a sweep that are to be trained; `inline`: one at a time."""
    slots, pack = 1 if inline else places(sweep), pack_size(sweep.resources)
    if not sweep.search:
        packs = max(1, len(make_packs(todo, sweep.resources, slots)))
        slots, pack = min(slots, packs), -(-len(todo) // packs)
    speeds = speeds_of(sweep, slots)
    found = Forecast(speeds, todo, slots, pack, crowding(sweep, slots))
    if not inline:
        load.cache_clear()  # the workers read the data, and this process no more
    return found


def uncertain() -> bool:
    """Whether processes wait for this machine's cores, so that a pace may soon be another."""
    return os.getloadavg()[0] / (os.cpu_count() or 1) > BUSY
