"""What a test sees of an MLflow store: everything in it, in plain values."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

__all__ = ["READY", "THIRD_PARTY", "View", "look"]

THIRD_PARTY = [
    pytest.mark.filterwarnings(text)
    for text in ("ignore:The ``noload`` loader strategy:DeprecationWarning",)
]
READY = [*THIRD_PARTY, pytest.mark.usefixtures("ready_store")]


@dataclass(frozen=True)
class View:
    """All active runs of an experiment, and each metric's history by trial.

    Without the machine's load, which no storage has.
    """

    parents: list[Run]
    runs: dict[str, list[Run]]
    history: dict[tuple[str, str], list[tuple[int, int, float]]]
    artifacts: dict[str, list[str]]

    @property
    def statuses(self) -> dict[str, str]:
        """The status of each trial's only run."""
        assert all(len(runs) == 1 for runs in self.runs.values())
        return {trial: runs[0].info.status for trial, runs in self.runs.items()}

    @property
    def repeated(self) -> list[tuple[str, str]]:
        """The metrics that have a step more than once."""
        return [
            key
            for key, rows in self.history.items()
            if len({step for step, _, _ in rows}) < len(rows)
        ]


def look(uri: str, experiment: str = "demo") -> View:
    """Read all of an experiment; one that is not there has nothing."""
    client = MlflowClient(tracking_uri=uri)
    found = client.get_experiment_by_name(experiment)
    if found is None:
        return View([], {}, {}, {})
    everything = list(client.search_runs([found.experiment_id], max_results=1000))
    runs: dict[str, list[Run]] = {}
    history, artifacts = {}, {}
    for run in everything:
        trial = run.data.tags.get("sweeper.trial", "")
        if trial:
            runs.setdefault(trial, []).append(run)
        artifacts[trial] = sorted(file.path for file in client.list_artifacts(run.info.run_id))
        for name in (name for name in run.data.metrics if not name.startswith("system/")):
            rows = client.get_metric_history(run.info.run_id, name)
            history[trial, name] = sorted((row.step, row.timestamp, row.value) for row in rows)
    parents = [run for run in everything if run.data.tags.get("sweeper.kind") == "sweep"]
    return View(parents, runs, history, artifacts)
