"""The files of a trained model that ``mlflow.pyfunc``, or ``mlflow.pytorch``, loads and serves.

The folder of `model_files` holds ``model.safetensors`` (the parameters, and what the corruption
takes from the training data), ``trial.json`` and the files of the user's own components, named by
their SHA-256. Nothing is pickled, and the training data are not needed. MLflow calls
`_load_pyfunc`; the package is importable where the model is loaded. `exported` is x̂ alone, as a
program of torch's operators, which needs nothing of this package.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors.torch
import torch
from torch import Tensor, nn

from trainers.component_files import file_of
from trainers.model import Model, Parameters
from trainers.noise import Streams
from trainers.noise_levels import estimate, estimators
from trainers.objectives import Objective
from trainers.stored import load_component
from trainers.threads import one_thread
from trainers.trial import Trial

__all__ = ["Denoiser", "bound", "exported", "import_exporter", "model_files"]

WEIGHTS, TRIAL = "model.safetensors", "trial.json"
PARAMETER, STATISTIC = "param/", "statistic/"
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Denoiser:
    """x̂(y) of a trained model: of a VAE by the mean of q(z|y), of an energy y − σ²∇f(y).

    For clean images this is the model's reconstruction.
    """

    trial: Trial
    objective: Objective
    model: Model

    def predict(self, images: npt.ArrayLike) -> npt.NDArray[Any]:
        """x̂ of images [n, C, H, W], or of vectors [n, d], in data units; in their shape."""
        y = torch.tensor(np.asarray(images), dtype=self.trial.training.dtype)
        way = estimators(self.objective, self.model)[-1]
        with torch.no_grad(), one_thread(CPU):
            flat = y.reshape(len(y), -1)
            xhat = estimate(self.objective, self.model, flat, Streams(self.trial.seed, 0), way)
        return np.asarray(xhat.reshape(y.shape))

    def get_raw_model(self) -> Model:
        """The torch model, with `encode`, `decode` and `params`; MLflow calls it by this name."""
        return self.model


def bound(
    trial: Trial, params: Parameters, statistics: Mapping[str, Tensor] | None = None
) -> tuple[Objective, Model]:
    """The objective and the model of a trial with these parameters.

    statistics : what `Trial.statistics` returned; else the data are read where they are needed.
    """
    with torch.device("meta"):
        parts = dict(trial.build_modules().items())
    hyper = {
        name: torch.tensor(value, dtype=trial.training.dtype)
        for name, value in trial.hyperparameters().items()
    }
    return trial.bind(parts, params, hyper | dict(statistics or {}))


def model_files(trial: Trial, params: Parameters) -> dict[str, bytes]:
    """The content of the folder, by name; raises `DataError` where it needs data that are gone."""
    tensors = {f"{PARAMETER}{name}": value.contiguous() for name, value in params.items()}
    for name, value in trial.statistics(CPU, trial.training.dtype).items():
        tensors[f"{STATISTIC}{name}"] = value.contiguous()
    components = filter(None, (file_of(type(part)) for part in trial.components()))
    return {
        WEIGHTS: safetensors.torch.save(tensors),
        TRIAL: json.dumps(trial.config(), indent=1, ensure_ascii=False).encode(),
        **{f"{file.sha256}.py": file.text for file in components},
    }


class _Estimate(nn.Module):
    """x̂ of images [n, C, H, W], or of vectors [n, d], with a model's parameters as buffers.

    Its types are those of torch: a check of shapes would be traced.
    """

    def __init__(self, trial: Trial, params: Parameters, statistics: Mapping[str, Tensor]) -> None:
        super().__init__()
        self._trial, self._statistics, self._names = trial, statistics, tuple(params)
        for place, value in enumerate(params.values()):
            self.register_buffer(f"parameter_{place}", value.detach().clone())

    def forward(self, images: Tensor) -> Tensor:
        params = {
            name: self.get_buffer(f"parameter_{place}") for place, name in enumerate(self._names)
        }
        objective, model = bound(self._trial, params, self._statistics)
        flat = images.reshape(images.shape[0], -1)
        return objective.denoise(model, flat, None).reshape(images.shape)


def exported(trial: Trial, params: Parameters) -> bytes | None:
    """The content of a ``model.pt2`` that `torch.export.load` reads: x̂ of a batch of any size.

    None for an energy, whose x̂ is a gradient, which torch does not export, and for a network of
    the user's own that cannot be traced.
    """
    statistics = trial.statistics(CPU, trial.training.dtype)
    objective, model = bound(trial, params, statistics)
    if estimators(objective, model)[-1] != "mean":
        return None
    images = torch.zeros(2, *trial.data.shape, dtype=trial.training.dtype)
    found = io.BytesIO()
    try:
        with torch.no_grad():
            program = torch.export.export(
                _Estimate(trial, params, statistics),
                (images,),
                dynamic_shapes=({0: torch.export.Dim("batch")},),
            )
        torch.export.save(program, found)
    except Exception:  # noqa: BLE001 - torch raises its own kinds, and a network what it likes
        return None
    return found.getvalue()


def import_exporter() -> None:
    """Import what `exported` needs of torch, which takes a second, before it is called."""
    with suppress(ImportError):  # the place is torch's own, and `exported` imports it otherwise
        import_module("torch.export._trace")


def _load_pyfunc(path: str) -> Denoiser:
    """The model of a folder, on the CPU; MLflow calls it with the folder's path."""
    folder = Path(path)
    for file in folder.glob("*.py"):
        load_component(file, file.stem)
    trial = Trial.from_config(json.loads((folder / TRIAL).read_text(encoding="utf-8")))
    stored = safetensors.torch.load_file(folder / WEIGHTS)
    objective, model = bound(trial, _below(stored, PARAMETER), _below(stored, STATISTIC))
    return Denoiser(trial, objective, model)


def _below(stored: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in stored.items()
        if name.startswith(prefix)
    }
