"""The layout of a storage folder, as far as the analysis reads it.

::

    sweeps/<experiment>/<sweep>/{sweep.json, grid.yaml, search.json}
    trials/<id>/trial.json
                <attempt>/<epoch>/{manifest.json, records.json, state.safetensors}
                evaluations/{<key>.json, <key>.npz, gallery.npz, examples.npz}
                pictures/<name>.png
    datasets/<checksum>.json

Paths are strings, because joining thousands of `pathlib` paths takes longer than reading the
files. `sweeper.storage.paths` has the same layout for writing; a test reads one storage folder
with both.
"""

from __future__ import annotations

from pathlib import Path

__all__ = [
    "MANIFEST",
    "RECORDS",
    "SEARCH",
    "STATE",
    "all_sweep_files",
    "dataset_files",
    "evaluations_folder",
    "examples_file",
    "gallery_file",
    "grid_file",
    "picture_files",
    "sweep_files",
    "trial_file",
    "trial_folder",
]

MANIFEST, RECORDS, STATE = "manifest.json", "records.json", "state.safetensors"
SEARCH = "search.json"


def trial_folder(storage: str | Path, trial: str) -> str:
    """The folder of a trial, shared by all sweeps that have the trial."""
    return f"{storage}/trials/{trial}"


def trial_file(storage: str | Path, trial: str) -> str:
    """``trial.json``: a trial's parameters and data."""
    return f"{storage}/trials/{trial}/trial.json"


def evaluations_folder(trial_folder: str) -> str:
    """The folder of a trial's evaluation results and their pictures."""
    return f"{trial_folder}/evaluations"


def gallery_file(storage: str | Path, trial: str) -> str:
    """The pictures of test examples that were made at the end of a trial's training."""
    return f"{evaluations_folder(trial_folder(storage, trial))}/gallery.npz"


def examples_file(storage: str | Path, trial: str) -> str:
    """KL and recon of every test example after the last epoch; older trials have none."""
    return f"{evaluations_folder(trial_folder(storage, trial))}/examples.npz"


def picture_files(storage: Path, trial: str) -> list[Path]:
    """The pictures made by `sweeper sample` and `denoise`, without hidden (unfinished) files."""
    return list(Path(trial_folder(storage, trial), "pictures").glob("[!.]*.png"))


def sweep_files(storage: Path, experiment: str) -> list[Path]:
    """The ``sweep.json`` of each sweep of an experiment, sorted by name."""
    return sorted((storage / "sweeps" / experiment).glob("*/sweep.json"))


def all_sweep_files(storage: Path) -> list[Path]:
    """The ``sweep.json`` of each sweep of all experiments."""
    return sorted(storage.glob("sweeps/*/*/sweep.json"))


def grid_file(storage: str | Path, experiment: str, sweep: str) -> str:
    """The text of a sweep's grid."""
    return str(Path(storage, "sweeps", experiment, sweep, "grid.yaml"))


def dataset_files(storage: Path) -> list[Path]:
    """Facts about each data set: shape, size, spectrum."""
    return sorted(storage.glob("datasets/*.json"))
