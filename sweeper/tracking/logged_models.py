"""Trained models as logged models of MLflow, which it loads and serves.

The model of a trial is ``runs:/<run>/model``; it takes and returns images in data units.
``mlflow.pyfunc.load_model`` gives all of it and needs this package; ``mlflow.pytorch.load_model``
gives x̂ of a model with latents, and needs torch alone.
"""

from __future__ import annotations

import platform
from importlib.metadata import version

import numpy as np
from mlflow.entities import LoggedModel, LoggedModelOutput, LoggedModelStatus, Metric
from mlflow.models import Model
from mlflow.models.signature import ModelSignature
from mlflow.tracking import MlflowClient
from mlflow.types.schema import Schema, TensorSpec

from sweeper.status.best_trial import best_trial
from sweeper.status.trained import TrainedTrial, load_trained
from sweeper.storage.ledger import newest_commit
from sweeper.sweep import PlannedTrial, Sweep
from sweeper.tracking.connection import first_line
from sweeper.tracking.run_deletion import models_of_run
from sweeper.tracking.run_files import RunFiles
from sweeper.tracking.runs import Runs, Shown
from sweeper.tracking.tags import NOTE, text
from trainers.served import exported, model_files

__all__ = ["LoggedModels"]

NAME = "model"
KEPT = "sweeper.kept"
BEST_OF = "sweeper.best_of"
DATA, PYTORCH = "data", "pytorch"  # folders of the model's files
NEEDED = ("torch", "numpy", "safetensors", "scipy", "scikit-learn", "jaxtyping")


class LoggedModels:
    """Logs the models of one sweep's finished trials, each once, from their committed states.

    A model is found by its run before it is created. One that a killed driver has begun, or whose
    files were refused (its status is FAILED then), is completed.
    Tags of a model say who keeps it: `KEPT` that all models are kept, and one tag for each sweep
    whose best model it is.
    """

    def __init__(self, client: MlflowClient, experiment: str, files: RunFiles) -> None:
        self._client, self._experiment, self._files = client, experiment, files

    def add(self, sweep: Sweep, trial: PlannedTrial, shown: Shown) -> None:
        """Log the model of a trial whose run is `shown`, unless the run has it; it is kept."""
        self._add(sweep, trial, shown, KEPT)

    def add_best(self, sweep: Sweep, runs: Runs) -> None:
        """Log the model of the sweep's best trial.

        One that was the best before is deleted then, unless another sweep keeps it.
        """
        best = best_trial(sweep)
        if best is None or not runs.knows(best):
            return
        trial = next(trial for trial in sweep.trials if trial.id == best)
        tag = f"{BEST_OF}.{sweep.name}"
        model = self._add(sweep, trial, runs[best], tag)
        if model is None:
            return
        tagged = self._client.search_logged_models([self._experiment], f"tags.`{tag}` = 'true'")
        for other in tagged:
            if other.model_id != model:
                self._release(other, tag)

    def _add(self, sweep: Sweep, trial: PlannedTrial, shown: Shown, tag: str) -> str | None:
        """Log a trial's model unless it is there, and tag it; returns its id, None if refused."""
        found = models_of_run(self._client, self._experiment, shown.run)
        model = found[0] if found else self._create(trial, shown)
        if model.status != LoggedModelStatus.READY and not self._fill(sweep, trial, shown, model):
            self._client.finalize_logged_model(model.model_id, LoggedModelStatus.FAILED)
            return None
        if tag not in model.tags:
            self._client.set_logged_model_tags(model.model_id, {tag: "true"})
        return str(model.model_id)

    def _release(self, model: LoggedModel, tag: str) -> None:
        """Take a tag from a model; without any other by which it is kept the model is deleted."""
        if any(one == KEPT or one.startswith(BEST_OF) for one in model.tags if one != tag):
            self._client.delete_logged_model_tag(model.model_id, tag)
        else:
            self._client.delete_logged_model(model.model_id)

    def _create(self, trial: PlannedTrial, shown: Shown) -> LoggedModel:
        return self._client.create_logged_model(
            self._experiment,
            name=NAME,
            source_run_id=shown.run,
            tags={
                "sweeper.trial": trial.id,
                "sweeper.label": trial.label,
                NOTE: _about(trial, shown),
            },
            params={name: text(value) for name, value in trial.params.items()},
            model_type=text(trial.params.get("model")),
        )

    def _fill(self, sweep: Sweep, trial: PlannedTrial, shown: Shown, model: LoggedModel) -> bool:
        """Store the model's files, metrics and link to its run; False if they are refused."""
        try:
            trained = load_trained(sweep.storage, trial.id)
            files = model_files(trained.trial, trained.model.params)
            program = exported(trained.trial, trained.model.params)
            metrics = _metrics(sweep, trial, model)
        except Exception as error:  # noqa: BLE001 - a component of the user, an unreadable disk
            self._files.refused = first_line(error)
            return False
        contents = {f"{DATA}/{name}": content for name, content in files.items()}
        contents |= {f"{PYTORCH}/model.pt2": program} if program else {}
        contents["requirements.txt"] = _requirements()
        contents["MLmodel"] = _description(trained, shown, model, program is not None)
        if not self._files.add(shown.run, model.artifact_location, contents):
            return False
        outputs = self._client.get_run(shown.run).outputs
        linked = outputs.model_outputs if outputs else []
        if model.model_id not in [one.model_id for one in linked]:
            self._client.log_outputs(shown.run, [LoggedModelOutput(model.model_id, trained.epoch)])
        self._client.log_batch(shown.run, metrics=metrics)
        self._client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
        return True


def _about(trial: PlannedTrial, shown: Shown) -> str:
    """Markdown for the model's page."""
    return (
        f"{trial.label}: the estimate x̂ of images, in data units; of clean ones it is their "
        f'reconstruction.\n\n`mlflow.pyfunc.load_model("runs:/{shown.run}/{NAME}")'
        ".predict(images)` where sweeper is installed. A model with latents is a torch module "
        f'too: `mlflow.pytorch.load_model("runs:/{shown.run}/{NAME}")(images)` needs torch alone.'
    )


def _metrics(sweep: Sweep, trial: PlannedTrial, model: LoggedModel) -> list[Metric]:
    """The trial's last record as metrics of the model; its run has these rows already."""
    commit = newest_commit(sweep.storage, trial.id)
    records = commit.records()[-1:] if commit else []
    return [
        Metric(name, value, record.time_ms, record.epoch, model_id=model.model_id)
        for record in records
        for name, value in record.metrics.items()
    ]


def _description(trained: TrainedTrial, shown: Shown, model: LoggedModel, exported: bool) -> bytes:
    """The content of ``MLmodel``."""
    dtype = np.dtype(str(trained.trial.training.dtype).removeprefix("torch."))
    images = Schema([TensorSpec(dtype, (-1, *trained.trial.data.shape))])
    found = Model(
        artifact_path=model.artifact_location,
        run_id=shown.run,
        model_id=model.model_id,
        model_uuid=model.model_id,
        signature=ModelSignature(images, images),
        metadata={"trial": trained.id, "label": trained.label, "epoch": trained.epoch},
    )
    found.add_flavor(
        "python_function",
        loader_module=model_files.__module__,
        data=DATA,
        python_version=platform.python_version(),
    )
    if exported:
        found.add_flavor(PYTORCH, model_data=PYTORCH, pytorch_version=version("torch"), code=None)
    return str(found.to_yaml()).encode()


def _requirements() -> bytes:
    """The versions with which the model was trained; sweeper itself is on no index."""
    return "".join(f"{name}=={version(name)}\n" for name in NEEDED).encode()
