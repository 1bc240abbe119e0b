"""Count the records in the storage that the tracker does not have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sweeper.errors import UserError
from sweeper.status.standing import Standing
from sweeper.storage.addresses import require_store
from sweeper.storage.delivered import read_delivered
from sweeper.sweep import Sweep
from sweeper.tracking.connection import settle
from sweeper.tracking.evaluation_artifacts import TAG

__all__ = ["Waiting", "waiting"]


@dataclass(frozen=True)
class Waiting:
    """The number of committed records, evaluations included, that the tracker does not have.

    With an `error` it did not answer, and the numbers are upper bounds.
    """

    records: int
    trials: int
    error: str | None = None


def waiting(sweep: Sweep, found: Sequence[Standing]) -> Waiting:
    """Count what the sweep's tracker lacks; it is read and not changed."""
    from analysis.errors import LoadError, NoAnswer
    from analysis.sources.mlflow_runs import trial_runs
    from analysis.sources.mlflow_store import open_store

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
    left = [
        sum(epoch > given.get(one.id, 0) for epoch in one.committed)
        + len(set(one.answered).difference(told.get(one.id, ())))
        for one in found
    ]
    return Waiting(sum(left), sum(map(bool, left)), trouble)
