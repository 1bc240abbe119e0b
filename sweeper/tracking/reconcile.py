"""Make MLflow's runs equal to the storage at any later time, in the same or another store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from analysis.sources.tracking_address import without_password
from sweeper.errors import UserError
from sweeper.status.stored import StoredSweep
from sweeper.storage import ledger, paths
from sweeper.storage.lease import hold_lease
from sweeper.sweep import Sweep
from sweeper.tracking.connection import check_address, first_line, settle
from sweeper.tracking.run_status import TRIAL_STATUS, sweep_status
from sweeper.tracking.server_check import Unwell
from trainers import TrainerError

if TYPE_CHECKING:
    from sweeper.tracking.tracker import Tracking

__all__ = ["Reconciled", "end_left_running", "reconcile"]


@dataclass(frozen=True)
class Reconciled:
    """The changes made: `trials` is the number of trials with a run, `created` of them new.

    `twins` counts deleted duplicate runs, `replaced` those that had values which the storage has
    not. `refused` is the reason why pictures, tables or models were not accepted.
    """

    sweep: str
    tracking_uri: str
    trials: int
    created: int
    replaced: int
    twins: int
    refused: str | None = None


def reconcile(
    stored: StoredSweep, tracking: str | None = None, step: Callable[[], None] = lambda: None
) -> Reconciled:
    """Repair the runs of one sweep; repeating it changes nothing.

    `tracking` is another store to fill; `step` is called after each trial. The sweep's lease is
    held meanwhile, as MLflow has one writer. It waits for a slow server. Raises `UserError` if
    there is no server, if it refuses the data, or if a driver runs the sweep.
    """
    sweep = replace(stored.sweep, tracking=tracking or stored.sweep.tracking)
    shown = without_password(sweep.tracking)
    with suppress(Unwell):
        check_address(sweep.tracking)
    settle()
    from sweeper.tracking.tracker import Tracking  # takes seconds

    with hold_lease(paths.sweep_folder(sweep)), _told(shown):
        return _repair(Tracking(sweep, stored.provenance), stored, shown, step)


def end_left_running(sweep: Sweep) -> None:
    """End the runs of a sweep that its driver has left RUNNING, with the records that they lack.

    Raises `UserError` if a driver runs the sweep, or MLflow refuses.
    """
    check_address(sweep.tracking)
    settle()
    from sweeper.tracking.tracker import Tracking

    with hold_lease(paths.sweep_folder(sweep)), _told(without_password(sweep.tracking)):
        tracking = Tracking(sweep, {})
        tracking.end_left_running()
        states = ledger.status(sweep.storage, [trial.id for trial in sweep.trials])
        tracking.end_sweep(sweep_status(states.values()))


@contextmanager
def _told(shown: str) -> Iterator[None]:
    """Raise `UserError` for errors of the storage and of MLflow in the block."""
    try:
        yield
    except (TrainerError, OSError) as error:
        raise UserError(
            f"the storage cannot be read: {error}; make it readable, or name "
            "another with --storage"
        ) from error
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in ("mlflow", "sqlalchemy", "requests"):
            raise
        raise UserError(
            f"MLflow at {shown} did not take it ({first_line(error)}); what it took "
            "stays, and the same command goes on"
        ) from error


def _repair(
    tracking: Tracking, stored: StoredSweep, uri: str, step: Callable[[], None]
) -> Reconciled:
    sweep = stored.sweep
    twins = tracking.runs.delete_twins()
    tracking.describe_sweep()
    replaced = created = shown = 0
    states = ledger.status(sweep.storage, [trial.id for trial in sweep.trials])
    for trial, state in states.items():
        commit = ledger.newest_commit(sweep.storage, trial)
        if commit and tracking.runs.knows(trial):
            replaced += tracking.mistrust(trial, commit)
        if commit or tracking.runs.knows(trial):
            created += not tracking.runs.knows(trial)
            tracking.show_trial(trial, commit, TRIAL_STATUS[state])
            shown += 1
        step()
    tracking.end_sweep(sweep_status(states.values()))
    return Reconciled(sweep.name, uri, shown, created, replaced, twins, tracking.refused)
