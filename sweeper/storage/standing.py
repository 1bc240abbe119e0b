"""How the trials of a sweep stand: by what storage holds, and by what the tracker was given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from sweeper.errors import UserError
from sweeper.storage import ledger
from sweeper.storage.delivered import read_delivered
from sweeper.storage.evaluations import read_evaluations
from sweeper.storage.lease import driven_sweeps
from sweeper.storage.places import require_store
from sweeper.sweep import PlannedTrial, Sweep
from sweeper.tracking.address import settle
from trainers import TrainerError, checkpoint

__all__ = ["Standing", "Waiting", "counts", "driven", "standings", "waiting"]


@dataclass(frozen=True)
class Standing:
    """One trial: its newest commit, and the last value of each of its metrics.

    `committed` holds the epochs whose records are saved, `answered` the keys of its evaluations,
    `line` is where the grid asks for it. A trial that is not finished, and that no driver trains
    now, is stopped.
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


@dataclass(frozen=True)
class Waiting:
    """How many committed records the tracker has not got, evaluations among them.

    With an `error` it did not answer, and the numbers are what it may lack at most.
    """

    records: int
    trials: int
    error: str | None = None


def standings(sweeps: Iterable[Sweep]) -> list[Standing]:
    """Every trial of the sweeps once, in their order."""
    trials = {trial.id: (sweep, trial) for sweep in sweeps for trial in sweep.trials}
    busy = {one for storage in {sweep.storage for sweep, _ in trials.values()}
            for one in driven(storage)}
    found = (_standing(sweep, trial) for sweep, trial in trials.values())
    return [one if one.status != "running" or one.id in busy else replace(one, status="stopped")
            for one in found]


def counts(found: Iterable[Standing]) -> dict[str, int]:
    """How many trials have each status."""
    number = Counter(one.status for one in found)
    return {status: number[status]
            for status in ("finished", "running", "stopped", "pruned", "failed", "pending")}


def waiting(sweep: Sweep, found: Sequence[Standing]) -> Waiting:
    """Ask the sweep's tracker what it has; it is only read."""
    from analysis.errors import LoadError, NoAnswer
    from analysis.mlflow_runs import trial_runs
    from analysis.mlflow_store import open_store
    from sweeper.tracking.evaluations import TAG

    settle()
    told, trouble = dict[str, list[str]](), None
    try:
        require_store(sweep.tracking)
        runs = trial_runs(open_store(sweep.tracking).runs(sweep.experiment))
        given = {trial: int(run.tags.get("sweeper.epoch", 0)) for trial, run in runs.items()}
        told = {trial: run.tags.get(TAG, "").split() for trial, run in runs.items()}
    except (LoadError, UserError) as error:
        trouble = str(error)
        given = read_delivered(sweep) if isinstance(error, NoAnswer) else {}
    left = [sum(epoch > given.get(one.id, 0) for epoch in one.committed)
            + len(set(one.answered).difference(told.get(one.id, ()))) for one in found]
    return Waiting(sum(left), sum(map(bool, left)), trouble)


def driven(storage: Path) -> Iterator[str]:
    """The trials of every sweep of the storage that has a driver now: sweeps share trials."""
    for folder in driven_sweeps(storage):
        for one in ledger.read_json(folder / "sweep.json").get("trials", ()):
            yield one["id"]


def _standing(sweep: Sweep, trial: PlannedTrial) -> Standing:
    commit = checkpoint.latest(ledger.trial_folder(sweep.storage, trial.id))
    known = (trial.id, trial.label, trial.role)
    epochs = int(trial.params.get("epochs", 0))
    if commit is None:
        return Standing(*known, "pending", 0, epochs)
    try:
        records = commit.records()
    except (TrainerError, OSError):
        records = []
    metrics = {name: value for record in records for name, value in record.metrics.items()}
    asked = read_evaluations(sweep.storage, trial.id)
    for one in asked:
        metrics |= one.metrics
    progress = commit.progress
    return Standing(*known, progress.status, progress.epoch, epochs, metrics, progress.reason,
                    progress.wall_s, tuple(record.epoch for record in records),
                    tuple(one.key for one in asked), trial.line)
