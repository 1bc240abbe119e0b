"""How long trials took on this machine, kept in the storage: what estimates are calibrated by."""

from __future__ import annotations

import hashlib
import json
import os
import statistics
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from sweeper.errors import UserError
from sweeper.grid.identity import canonical
from sweeper.messages import Spent
from sweeper.storage.paths import speeds_file
from sweeper.storage.stored_files import read_known
from sweeper.sweep import SCHEMA, PlannedTrial, Sweep
from sweeper.worker.packs import make_packs, pack_key, probes
from trainers.evaluations import config
from trainers.provenance import processor

__all__ = ["Speed", "Speeds", "speeds_of"]

REMEMBERED = 8  # trials; of more the newest still has this part of the mean


@dataclass(frozen=True)
class Speed:
    """The time of a trial of one program, in seconds of the processor (on a GPU: by the clock).

    Parameters
    ----------
    epoch_s : an epoch, with the tests and checkpoints in it. rest_s : all else: building the
        model, tracing its step, pictures, evaluations.
    rated_s : an epoch by the table of rates. trials : how many were measured; 0 where both times
        come from the table.
    """

    epoch_s: float
    rest_s: float
    rated_s: float
    trials: int = 0

    def seconds(self, epochs: float) -> float:
        """A trial of so many epochs."""
        return self.rest_s + epochs * self.epoch_s

    def after(self, spent: Spent) -> Speed:
        """The mean with one more trial; what the table says counts no more."""
        share = 1 / min(self.trials + 1, REMEMBERED)
        return replace(
            self,
            epoch_s=self.epoch_s + share * (spent.epoch_s - self.epoch_s),
            rest_s=self.rest_s + share * (spent.rest_s - self.rest_s),
            trials=self.trials + 1,
        )


class Speeds:
    """The measured speed of each program on one kind of machine.

    Parameters
    ----------
    path : the file, which has those of other machines, too. machine : whose are read and written.
    members : by pack key of any length, how many trials of the sweep train as one program, where
        more than one does: a member takes less time than a trial by itself.
    """

    def __init__(self, path: Path, machine: str, members: Mapping[str, int] | None = None) -> None:
        self._path, self._machine, self._members = path, machine, members or {}
        self._known = {key: Speed(**row) for key, row in self._stored(machine).items()}
        self._own: dict[str, Speed] = {}

    def of(self, trial: PlannedTrial) -> Speed | None:
        """The speed of a trial's program; None if none was measured here."""
        return self._known.get(self._program(trial))

    def members(self, trial: PlannedTrial) -> int:
        """How many trials are trained in the pack of this one."""
        return self._members.get(pack_key(trial, any_length=True), 1)

    @property
    def factor(self) -> float:
        """What the table of rates is multiplied by on this machine: 1 if nothing was measured."""
        ratios = [one.epoch_s / one.rated_s for one in self._known.values() if one.rated_s > 0]
        return statistics.median(ratios) if ratios else 1.0

    def learn(self, trial: PlannedTrial, speed: Speed) -> None:
        """Note what was measured of a trial's program."""
        key = self._program(trial)
        self._known[key] = self._own[key] = speed

    def keep(self) -> None:
        """Write what was learned, beside what other processes wrote; a full disk is no error.

        To the folder of this machine alone where the storage is on a bucket: it may be down.
        """
        if not self._own:
            return
        own = {key: asdict(speed) for key, speed in self._own.items()}
        with suppress(OSError, UserError):
            machines = {**self._machines(), self._machine: {**self._stored(self._machine), **own}}
            text = json.dumps({"schema": SCHEMA, "machines": machines}, indent=1)
            self._path.parent.mkdir(parents=True, exist_ok=True)
            new = self._path.with_name(f"{self._path.name}.{os.getpid()}")
            new.write_text(text, encoding="utf-8")
            new.replace(self._path)

    def _program(self, trial: PlannedTrial) -> str:
        """Equal for trials that do the same work in an epoch, and after the last one."""
        asked = [config(one) for one in trial.evaluate]
        parts: list[Any] = [pack_key(trial, any_length=True), asked]
        text = canonical([*parts, "packed"] if self.members(trial) > 1 else parts)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def _machines(self) -> dict[str, Any]:
        row = read_known(self._path, {"machines": dict})
        return dict(row["machines"]) if row else {}

    def _stored(self, machine: str) -> dict[str, Any]:
        programs = self._machines().get(machine, {})
        rows = programs.items() if isinstance(programs, Mapping) else ()
        return {key: row for key, row in rows if _is_speed(row)}


def speeds_of(sweep: Sweep, slots: int = 1) -> Speeds:
    """The speeds on this machine's kind of processor, or on the cluster that a sweep names.

    slots : how many packs train at once.
    """
    machine = processor()["cpu"] if sweep.cluster == "local" else sweep.cluster
    kind = "GPU" if sweep.resources.gpus else "CPU"
    return Speeds(speeds_file(sweep.storage), f"{kind} of {machine}", _members(sweep, slots))


def _members(sweep: Sweep, slots: int) -> dict[str, int]:
    """How many trials a pack has, by pack key; those of a search are trained one by one."""
    if sweep.search or probes(sweep.resources):
        return {}
    trained = [trial for trial in sweep.trials if not trial.merged_from]
    packs = make_packs(trained, sweep.resources, slots)
    return {pack_key(pack[0], any_length=True): len(pack) for pack in packs if len(pack) > 1}


def _is_speed(row: Any) -> bool:
    return (
        isinstance(row, Mapping)
        and set(row) == set(Speed.__annotations__)
        and all(isinstance(value, int | float) and value >= 0 for value in row.values())
    )
