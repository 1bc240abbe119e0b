"""A trial's epoch, status and metrics, from which searches decide."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sweeper.errors import UserError
from sweeper.grid.complaints import nearest
from sweeper.storage import ledger
from sweeper.storage.evaluations import read_evaluations
from sweeper.sweep import PlannedTrial
from trainers import Record, TrainerError

__all__ = ["Reached", "reached", "require_metric"]


@dataclass(frozen=True)
class Reached:
    """Status, epoch and records of a trial's newest commit, and its evaluations.

    `asked` are the metrics of its evaluations, by name. `repeats` : whether it failed in a way
    that would recur.
    """

    status: ledger.Status
    epoch: int
    records: tuple[Record, ...] = ()
    asked: Mapping[str, float] | None = None
    repeats: bool = False

    def at(self, epoch: int) -> dict[str, float]:
        """The last value of each metric up to an epoch."""
        return {
            name: value
            for record in self.records
            if record.epoch <= epoch
            for name, value in record.metrics.items()
        }

    def history(self, metric: str, epoch: int) -> dict[int, float]:
        """The values of a metric by epoch, up to an epoch."""
        return {
            record.epoch: record.metrics[metric]
            for record in self.records
            if record.epoch <= epoch and metric in record.metrics
        }

    def last(self) -> dict[str, float]:
        """The last value of every metric, evaluations included."""
        return {**self.at(self.epoch), **(self.asked or {})}


def reached(storage: Path, trial: str) -> Reached:
    """The state of a trial in the storage; `records` is empty if they cannot be read."""
    commit = ledger.newest_commit(storage, trial)
    if commit is None:
        return Reached("pending", 0)
    try:
        records = tuple(commit.records())
    except (TrainerError, OSError):
        records = ()
    asked = {
        name: value
        for one in read_evaluations(storage, trial)
        for name, value in one.metrics.items()
    }
    return Reached(
        commit.progress.status, commit.progress.epoch, records, asked, commit.progress.repeats
    )


def require_metric(trial: PlannedTrial, found: Mapping[str, float], name: str) -> float:
    """The value of a metric; raises `UserError` with the known names if it is missing."""
    if name not in found:
        known: Iterable[str] = sorted(found)
        raise UserError(
            f"the search looks at {name!r}, and the trial {trial.label} has no such "
            f"metric{nearest(name, known)} (known: {', '.join(known) or 'none'})"
        )
    return found[name]
