"""Delete an MLflow run with the models that it has logged."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow.entities import LoggedModel
    from mlflow.tracking import MlflowClient

__all__ = ["delete_run", "models_of_run"]


def models_of_run(client: MlflowClient, experiment: str, run: str) -> list[LoggedModel]:
    """The models that a run has logged, the oldest first."""
    found = client.search_logged_models([experiment], f"source_run_id = '{run}'")
    return sorted(found, key=lambda model: model.creation_timestamp)


def delete_run(client: MlflowClient, experiment: str, run: str) -> None:
    """Delete a run; it and its models go to MLflow's trash."""
    for model in models_of_run(client, experiment, run):
        client.delete_logged_model(model.model_id)
    client.delete_run(run)
