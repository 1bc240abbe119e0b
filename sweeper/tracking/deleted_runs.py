"""Delete the MLflow runs of sweeps that are removed from the storage."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from analysis.sources.tracking_address import sqlite_path, without_password
from sweeper.errors import UserError
from sweeper.tracking.connection import check_address, first_line, settle, unmade_store
from sweeper.tracking.run_deletion import delete_run

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.tracking import MlflowClient

__all__ = ["FoundRuns", "delete_runs", "find_runs"]

PAGE = 500


@dataclass(frozen=True)
class FoundRuns:
    """The runs of some sweeps of an experiment, in one tracking store.

    doomed : the ids of the sweeps' own runs, of which there are `sweeps`, and of those of their
    trials. adopted : runs of trials
    that another sweep has too, with the id of that sweep's run, which becomes their parent.
    experiment: MLflow's id of the experiment.
    """

    tracking: str
    doomed: tuple[str, ...] = ()
    adopted: Mapping[str, str] | None = None
    experiment: str = ""
    sweeps: int = 0


def find_runs(
    tracking: str,
    experiment: str,
    sweeps: Collection[str],
    trials: Collection[str],
    others: Mapping[str, Collection[str]],
) -> FoundRuns:
    """Find the runs of sweeps by their names, and those of their trials.

    others : the trials of each sweep that stays in the experiment, the newest last; their runs
    are not deleted, nor are those whose parent is the run of a sweep of another storage.
    Raises `UserError` if the store does not answer.
    """
    path = sqlite_path(tracking)
    if path is not None and not path.is_file():
        return FoundRuns(tracking)
    with _answered(tracking):
        check_address(tracking)
        if unmade_store(tracking):
            return FoundRuns(tracking)
        client = _client(tracking)
        found = client.get_experiment_by_name(experiment)
        if found is None or found.lifecycle_stage == "deleted":
            return FoundRuns(tracking)
        parents = {
            run.info.run_id: run.data.tags.get("sweeper.sweep", "")
            for run in _search(client, found.experiment_id, "sweep")
        }
        gone = [run for run, name in parents.items() if name in sweeps]
        heirs = {
            trial: run
            for name, own in others.items()
            for run, other in parents.items()
            if other == name
            for trial in own
        }
        stay, doomed, adopted = parents.keys() - set(gone), list(gone), {}
        for run in _search(client, found.experiment_id, "trial"):
            trial = run.data.tags.get("sweeper.trial", "")
            if run.data.tags.get("mlflow.parentRunId") in stay:
                continue
            if trial in trials:
                doomed.append(run.info.run_id)
            elif trial in heirs:
                adopted[run.info.run_id] = heirs[trial]
    return FoundRuns(tracking, tuple(doomed), adopted, found.experiment_id, len(gone))


def delete_runs(found: Sequence[FoundRuns], step: Callable[[], None] = lambda: None) -> None:
    """Delete runs and models as MLflow does: `mlflow gc` erases what is in its trash.

    step : called after each run.
    """
    for one in found:
        with _answered(one.tracking):
            client = _client(one.tracking)
            for run, parent in (one.adopted or {}).items():
                client.set_tag(run, "mlflow.parentRunId", parent)
            for run in one.doomed:
                delete_run(client, one.experiment, run)
                step()


def _client(tracking: str) -> MlflowClient:
    settle()
    from sweeper.tracking.store import quiet_client  # takes seconds

    return quiet_client(tracking)


def _search(client: MlflowClient, experiment: str, kind: str) -> Iterator[Run]:
    token: str | None = None
    while True:
        page = client.search_runs(
            [experiment], f"tags.`sweeper.kind` = '{kind}'", max_results=PAGE, page_token=token
        )
        yield from page
        token = page.token
        if not token:
            return


@contextmanager
def _answered(tracking: str) -> Iterator[None]:
    """Raise `UserError` with the remedy for whatever MLflow answers in the block."""
    remedy = "or leave MLflow as it is with --keep-runs"
    try:
        yield
    except UserError as error:
        raise UserError(f"{error.message}; {remedy}") from error
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in ("mlflow", "sqlalchemy", "requests"):
            raise
        raise UserError(
            f"MLflow at {without_password(tracking)} did not delete the runs "
            f"({first_line(error)}); try again, {remedy}"
        ) from error
