"""An MLflow store that shows the same sweep as a storage folder, written as the driver writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag


def mirror(root: Path, experiment: str, uri: str) -> None:
    """Write every trial of every sweep below `root` to the store at `uri`."""
    client = MlflowClient(tracking_uri=uri)
    key = client.create_experiment(experiment, artifact_location=str(root / "artifacts"))
    for path in sorted((root / "sweeps" / experiment).glob("*/sweep.json")):
        sweep = json.loads(path.read_text())
        parent = client.create_run(
            key, tags={"sweeper.kind": "sweep", "sweeper.sweep": sweep["sweep"]}
        )
        for entry in sweep["trials"]:
            write_trial(client, key, parent.info.run_id, root / "trials" / entry["id"], entry)
        client.set_terminated(parent.info.run_id)


def write_trial(
    client: MlflowClient, key: str, parent: str, folder: Path, entry: dict[str, Any]
) -> None:
    trial = json.loads((folder / "trial.json").read_text())
    commit = sorted(folder.glob("*/*/manifest.json"))[-1].parent
    manifest = json.loads((commit / "manifest.json").read_text())
    tags = {
        "mlflow.parentRunId": parent,
        "sweeper.kind": "trial",
        "sweeper.trial": entry["id"],
        "sweeper.program": trial["program"],
        "sweeper.role": entry["role"],
        "sweeper.label": entry["label"],
        "sweeper.twin_of": entry["twin_of"] or "",
        "sweeper.data_checksum": trial["data"]["checksum"],
        "sweeper.wall_s": str(manifest["wall_s"]),
        "sweeper.git_commit": "12345678",
        "sweeper.parameters": str(trial["parameters"]),
    }
    run = client.create_run(key, tags=tags).info.run_id
    params = [
        Param(k, v if isinstance(v, str) else json.dumps(v)) for k, v in trial["params"].items()
    ]
    metrics = [
        Metric(k, float("nan") if v is None else v, r["time_ms"], r["epoch"])
        for r in json.loads((commit / "records.json").read_text())
        for k, v in r["metrics"].items()
    ]
    client.log_batch(run, metrics=metrics, params=params, tags=[RunTag("sweeper.seed", "1")])
    client.set_terminated(run, "FAILED" if manifest["status"] == "failed" else "FINISHED")
