"""Status, epoch and metrics of each trial of a sweep, read from the storage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.sources.statuses import STATUSES, count_statuses
from sweeper.storage import ledger
from sweeper.storage.claims import driven_trials
from sweeper.storage.evaluations import read_evaluations
from sweeper.storage.lease import driven_sweeps
from sweeper.storage.whereabouts import Whereabouts, read_running
from sweeper.sweep import ListedSweep, ListedTrial, PlannedTrial, Sweep
from trainers import TrainerError

if TYPE_CHECKING:
    from analysis.sources.schema import Experiment

__all__ = ["Standing", "counts", "standings", "with_status_now"]


@dataclass(frozen=True)
class Standing:
    """The state of one trial by its newest commit, with the last value of each metric.

    `committed` holds the epochs whose records are saved, `answered` the keys of its stored
    evaluations, `line` is the line of the grid that declares it, `where` the node that trains it
    now. An unfinished trial that no driver trains now has the status ``stopped``.
    """

    id: str
    label: str
    role: str
    status: str
    epoch: int
    epochs: int
    metrics: Mapping[str, float] = field(default_factory=dict)
    reason: str | None = None
    wall_s: float = 0.0
    committed: tuple[int, ...] = ()
    answered: tuple[str, ...] = ()
    line: int | None = None
    where: Whereabouts | None = None


def standings(sweeps: Iterable[Sweep | ListedSweep]) -> list[Standing]:
    """The state of every trial of the sweeps, in their order, each trial once."""
    trials = {trial.id: (sweep, trial) for sweep in sweeps for trial in sweep.trials}
    now = [_Drivers.of(storage) for storage in {sweep.storage for sweep, _ in trials.values()}]
    busy = {one for drivers in now for one in drivers.claimed}
    running = {trial: where for drivers in now for trial, where in drivers.running.items()}
    found = (_standing(sweep.storage, trial) for sweep, trial in trials.values())
    return [
        replace(
            one,
            status=_status_now(one.status, one.id in busy, one.id in running),
            where=running.get(one.id),
        )
        for one in found
    ]


def with_status_now(experiment: Experiment, storage: Path) -> Experiment:
    """The experiment of a storage, whose trials have the status that `standings` says."""
    drivers, trials = _Drivers.of(storage), experiment.trials
    statuses = [
        _status_now(status, trial in drivers.claimed, trial in drivers.running)
        for status, trial in zip(trials["status"], trials["trial"], strict=True)
    ]
    return replace(experiment, trials=trials.assign(status=statuses))


@dataclass(frozen=True)
class _Drivers:
    """What the drivers of a storage do now.

    claimed : the trials that they have claimed. running : where each is trained, as they heard.
    """

    claimed: frozenset[str]
    running: Mapping[str, Whereabouts]

    @classmethod
    def of(cls, storage: Path) -> _Drivers:
        running = {
            trial: where
            for folder in driven_sweeps(storage)
            for trial, where in read_running(folder).items()
        }
        return cls(frozenset(driven_trials(storage)), running)


def _status_now(stored: str, claimed: bool, running: bool) -> str:
    if running and stored != "finished":
        return "running"
    return "stopped" if stored == "running" and not claimed else stored


def counts(found: Iterable[Standing]) -> dict[str, int]:
    """The number of trials of each status."""
    number = count_statuses(one.status for one in found)
    return {status: number.get(status, 0) for status in STATUSES if status != "killed"}


def _standing(storage: Path, trial: PlannedTrial | ListedTrial) -> Standing:
    commit = ledger.newest_commit(storage, trial.id)
    known = (trial.id, trial.label, trial.role)
    epochs = int(trial.params.get("epochs", 0))
    if commit is None:
        return Standing(*known, "pending", 0, epochs)
    try:
        records = commit.records()
    except (TrainerError, OSError):
        records = []
    metrics = {name: value for record in records for name, value in record.metrics.items()}
    asked = read_evaluations(storage, trial.id)
    for one in asked:
        metrics |= one.metrics
    progress = commit.progress
    return Standing(
        *known,
        progress.status,
        progress.epoch,
        epochs,
        metrics,
        progress.reason,
        progress.wall_s,
        tuple(record.epoch for record in records),
        tuple(one.key for one in asked),
        trial.line,
    )
