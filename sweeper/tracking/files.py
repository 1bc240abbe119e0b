"""Add files to existing runs: a picture to a trial's run, a report to a sweep's run."""

from __future__ import annotations

import json
import time
from pathlib import Path

from mlflow.entities import Metric, RunTag
from mlflow.tracking import MlflowClient

from sweeper.pictures.law_picture import law_svg
from sweeper.tracking.report_claims import PICTURE, ReportClaims, report_claims
from sweeper.tracking.store import writing_client

__all__ = ["add_picture", "add_report"]


def add_picture(uri: str, experiment: str, trial: str, path: Path) -> str | None:
    """Add a file to a trial's run, below ``pictures``; returns the run's id, None if it has none.

    Only the artifact is written, no metric and no tag, so that a driver may write meanwhile.
    """
    client = writing_client(uri, experiment)
    run = _oldest_run(client, experiment, f"tags.`sweeper.trial` = '{trial}'")
    if run:
        client.log_artifact(run, str(path), "pictures")
    return run


def add_report(uri: str, experiment: str, sweep: str, folder: Path) -> str | None:
    """Add a report's files to the sweep's run, below ``report``, and what it claims.

    Returns the run's id, None if there is no run.
    """
    client = writing_client(uri, experiment)
    run = _oldest_run(client, experiment, f"tags.`sweeper.sweep` = '{sweep}'")
    if run:
        client.log_artifacts(run, str(folder), "report")
        report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        picture = law_svg(report)
        if picture:
            client.log_text(run, picture, PICTURE)
        _add_claims(client, run, report_claims(report, experiment, run, picture is not None))
    return run


def _add_claims(client: MlflowClient, run: str, found: ReportClaims) -> None:
    """Write a value again only if it has changed, so that a repeated report adds nothing."""
    known, now = client.get_run(run).data, time.time_ns() // 1_000_000
    metrics = [
        Metric(name, value, now, found.finished)
        for name, value in found.metrics.items()
        if known.metrics.get(name) != value
    ]
    tags = [
        RunTag(name, value) for name, value in found.tags.items() if known.tags.get(name) != value
    ]
    client.log_batch(run, metrics=metrics, tags=tags)


def _oldest_run(client: MlflowClient, experiment: str, query: str) -> str | None:
    found = client.get_experiment_by_name(experiment)
    runs = client.search_runs([found.experiment_id], query) if found else []
    return min(runs, key=lambda run: run.info.start_time).info.run_id if runs else None
