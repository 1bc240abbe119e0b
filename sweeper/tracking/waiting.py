"""Count the records that the tracker does not have, and end runs that nobody trains."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sweeper.errors import UserError
from sweeper.status.standing import Standing
from sweeper.storage import paths
from sweeper.storage.addresses import require_store
from sweeper.storage.claims import driven_trials
from sweeper.storage.delivered import read_delivered
from sweeper.storage.lease import is_held
from sweeper.sweep import ListedSweep, Sweep
from sweeper.tracking.connection import settle
from sweeper.tracking.tags import EVALUATED

if TYPE_CHECKING:
    from analysis.sources.mlflow_runs import Run

__all__ = ["Waiting", "mend_and_count", "waiting"]


@dataclass(frozen=True)
class Waiting:
    """The number of committed records, evaluations included, that the tracker does not have.

    With an `error` it did not answer, and the numbers are upper bounds. `running` are the ids of
    trials and the names of sweeps whose run is RUNNING. `left_running` are the names of sweeps of
    which runs were RUNNING without a driver; `not_ended` says why they still are.
    """

    records: int
    trials: int
    error: str | None = None
    running: frozenset[str] = frozenset()
    left_running: tuple[str, ...] = ()
    not_ended: str | None = None


def waiting(sweep: Sweep | ListedSweep, found: Sequence[Standing]) -> Waiting:
    """Count what the sweep's tracker lacks; it is read and not changed."""
    from analysis.errors import LoadError, NoAnswer
    from analysis.sources.mlflow_runs import trial_runs
    from analysis.sources.mlflow_store import open_store

    settle()
    told, trouble, running = dict[str, list[str]](), None, frozenset[str]()
    try:
        require_store(sweep.tracking)
        every = open_store(sweep.tracking).runs(sweep.experiment)
        runs = trial_runs(every)
        running = _running(every)
        given = {trial: int(run.tags.get("sweeper.epoch", 0)) for trial, run in runs.items()}
        told = {trial: run.tags.get(EVALUATED, "").split() for trial, run in runs.items()}
    except (LoadError, UserError) as error:
        trouble = str(error)
        given = read_delivered(sweep) if isinstance(error, NoAnswer) else {}
    left = [
        sum(epoch > given.get(one.id, 0) for epoch in one.committed)
        + len(set(one.answered).difference(told.get(one.id, ())))
        for one in found
    ]
    return Waiting(sum(left), sum(map(bool, left)), trouble, running)


def mend_and_count(sweeps: Sequence[Sweep | ListedSweep], found: Sequence[Standing]) -> Waiting:
    """What the tracker lacks, after ending the runs that killed drivers have left RUNNING."""
    there = waiting(sweeps[-1], found)
    left = _left_running(sweeps, there.running)
    if not left:
        return there
    from sweeper.status.stored import stored_sweeps
    from sweeper.tracking.reconcile import end_left_running

    names = tuple(sweep.name for sweep in left)
    try:
        for sweep in left:
            [stored] = stored_sweeps(sweep.storage, sweep.name)
            end_left_running(replace(stored.sweep, tracking=sweep.tracking))
    except UserError as error:
        return replace(there, left_running=names, not_ended=error.message)
    return replace(waiting(sweeps[-1], found), left_running=names)


def _left_running(
    sweeps: Sequence[Sweep | ListedSweep], running: Collection[str]
) -> list[Sweep | ListedSweep]:
    """The sweeps without a driver of which a run is RUNNING (see `Waiting`)."""
    driven = {trial for sweep in sweeps for trial in driven_trials(sweep.storage)}
    left = set(running) - driven
    return [
        sweep
        for sweep in sweeps
        if left.intersection((sweep.name, *(trial.id for trial in sweep.trials)))
        and paths.sweep_file(sweep).is_file()
        and not is_held(paths.sweep_folder(sweep))
    ]


def _running(runs: Sequence[Run]) -> frozenset[str]:
    tags = [run.tags for run in runs if run.status == "RUNNING"]
    return frozenset(one.get("sweeper.trial") or one.get("sweeper.sweep", "") for one in tags)
