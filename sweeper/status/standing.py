"""Status, epoch and metrics of each trial of a sweep, read from the storage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from analysis.sources.statuses import STATUSES, count_statuses
from sweeper.storage import ledger
from sweeper.storage.claims import driven_trials
from sweeper.storage.evaluations import read_evaluations
from sweeper.storage.lease import driven_sweeps
from sweeper.storage.whereabouts import Whereabouts, read_running
from sweeper.sweep import ListedSweep, ListedTrial, PlannedTrial, Sweep
from trainers import TrainerError

__all__ = ["Standing", "counts", "standings"]


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
    busy = {
        one
        for storage in {sweep.storage for sweep, _ in trials.values()}
        for one in driven_trials(storage)
    }
    running = {
        trial: where
        for storage in {sweep.storage for sweep, _ in trials.values()}
        for folder in driven_sweeps(storage)
        for trial, where in read_running(folder).items()
    }
    found = (_standing(sweep.storage, trial) for sweep, trial in trials.values())
    return [_now(one, one.id in busy, running.get(one.id)) for one in found]


def _now(one: Standing, driven: bool, where: Whereabouts | None) -> Standing:
    """The standing, with what drivers do with the trial now."""
    if where and one.status != "finished":
        return replace(one, status="running", where=where)
    stopped = one.status == "running" and not driven
    return replace(one, status="stopped" if stopped else one.status, where=where)


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
