"""Files for the runs that MLflow has: a picture in a trial's, a report in a sweep's."""

from __future__ import annotations

from pathlib import Path

from mlflow.tracking import MlflowClient

from sweeper.tracking.artifact_place import bring_artifacts_along
from sweeper.tracking.store import quiet_client

__all__ = ["add_picture", "add_report"]


def add_picture(uri: str, experiment: str, trial: str, path: Path) -> str | None:
    """Show a file in a trial's run, below ``pictures``; the run's id, None if there is no run.

    Only the artifact is written, no metric and no tag: a sweep that is under way may go on.
    """
    bring_artifacts_along(uri, experiment)
    client = quiet_client(uri)
    run = _oldest_run(client, experiment, f"tags.`sweeper.trial` = '{trial}'")
    if run:
        client.log_artifact(run, str(path), "pictures")
    return run


def add_report(uri: str, experiment: str, sweep: str, folder: Path) -> str | None:
    """Show the files of a report in the sweep's run, below ``report``; the run's id, or None."""
    bring_artifacts_along(uri, experiment)
    client = quiet_client(uri)
    run = _oldest_run(client, experiment, f"tags.`sweeper.sweep` = '{sweep}'")
    if run:
        client.log_artifacts(run, str(folder), "report")
    return run


def _oldest_run(client: MlflowClient, experiment: str, query: str) -> str | None:
    found = client.get_experiment_by_name(experiment)
    runs = client.search_runs([found.experiment_id], query) if found else []
    return min(runs, key=lambda run: run.info.start_time).info.run_id if runs else None
