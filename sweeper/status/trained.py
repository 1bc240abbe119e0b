"""Load trained models from the storage, by trial id, beginning of an id, label, or settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.wording import symbol
from sweeper.errors import UserError
from sweeper.grid.complaints import nearest
from sweeper.storage import ledger, paths
from sweeper.storage.addresses import show_storage
from sweeper.storage.attempts import load_state
from sweeper.storage.home import Home, stored_home, stored_tracking
from sweeper.storage.stored_code import restored_trial
from sweeper.storage.stored_files import read_sweep, read_trial
from trainers import checkpoint
from trainers.datasets import DATASETS
from trainers.errors import TrainerError
from trainers.fields import describe_fields
from trainers.model import Model
from trainers.objectives import Objective
from trainers.registry import name_of
from trainers.served import bound
from trainers.trial import Trial

__all__ = [
    "TrainedTrial",
    "find_trial",
    "load_trained",
    "require_pictures",
    "stored_trial",
    "sweeps_of",
]

SHOWN = 8


@dataclass(frozen=True)
class TrainedTrial:
    """A trial with its trained model; `epoch` is the epoch of the model's commit."""

    id: str
    label: str
    folder: Path
    trial: Trial
    objective: Objective
    model: Model
    epoch: int

    @property
    def pictures(self) -> Path:
        """The folder for pictures by `sweeper sample` and `sweeper denoise`."""
        return paths.pictures_folder(self.folder)


def find_trial(storage: Path, name: str) -> str:
    """The id of the one trial with this id, beginning of an id, label, or settings.

    Settings are words like ``sigma_vae sigma=0.4 seed=0``, in any order; those of a trial's label
    may be given in its letters, too. Before a label or settings there may be the name of an
    experiment or a sweep, whose trials alone are then meant.

    Raises `UserError` with the nearest names if there is none, or with the ids if there are more.
    """
    ids = [path.parent.name for path in paths.trial_files(storage)]
    first, _, rest = name.strip().partition(" ")
    if rest and (own := _trials_of(storage, first)):
        ids, name = [one for one in ids if one in own], rest.strip()
    if not ids:
        raise UserError(
            f"there are no trials in {show_storage(storage)}; say where they are with --storage, "
            "or run a grid first"
        )
    found = [name] if name in ids else [one for one in ids if name and one.startswith(name)]
    stored = {} if found else {one: _about(storage, one) for one in ids}
    labels = {one: str(about.get("label")) for one, about in stored.items()}
    found = found or [one for one, label in labels.items() if label == name]
    found = found or [one for one, about in stored.items() if _has(about, name.split())]
    if not found:
        near = _closest(name, stored) or nearest(name, [*labels.values(), *ids])
        raise UserError(
            f"there is no trial {name!r} in {show_storage(storage)}{near} (an id, the beginning "
            "of one, a label, or settings such as sigma=0.1 seed=0; `sweeper status` lists ids "
            "and labels)"
        )
    if len(found) > 1:
        told = [f"{one} ({labels[one]})" if one in labels else one for one in found[:SHOWN]]
        shown = ", ".join(told) + (" ..." if len(found) > SHOWN else "")
        raise UserError(f"{name!r} means {len(found)} trials: {shown}; give the id of one")
    return found[0]


def _trials_of(storage: Path, name: str) -> set[str]:
    """The ids of the trials of an experiment or a sweep; empty where there is none."""
    rows = map(read_sweep, paths.sweep_files(storage))
    named = [row for row in rows if row and name in (row.get("experiment"), row.get("sweep"))]
    return {str(one["id"]) for row in named for one in row["trials"]}


def _has(about: Mapping[str, Any], words: Sequence[str]) -> bool:
    """Whether a trial has every one of these settings, by its label or its parameters."""
    label, params = str(about.get("label")).split(), dict(about.get("params") or {})
    names = {symbol(name): name for name in params}
    return bool(words) and all(
        word in label or word == params.get("model") or _equal(params, names, word)
        for word in words
    )


def _equal(params: Mapping[str, Any], names: Mapping[str, str], word: str) -> bool:
    name, sign, wanted = word.partition("=")
    value = params.get(names.get(name, name))
    if not sign or value is None:
        return False
    try:
        return str(value) == wanted or float(value) == float(wanted)
    except (TypeError, ValueError):
        return False


def _closest(name: str, stored: Mapping[str, Mapping[str, Any]]) -> str:
    """``; did you mean 'sigma_vae σ=0.15 seed=0'?``: the trial whose settings are nearest; empty
    where none of the words fits any trial.
    """
    words = name.split()
    far = {one: sum(_off(about, word) for word in words) for one, about in stored.items()}
    best = min(far, key=far.__getitem__, default="")
    if not best or far[best] >= len(words):
        return ""
    return f"; did you mean {str(stored[best].get('label'))!r}?"


def _off(about: Mapping[str, Any], word: str) -> float:
    """How far a trial is from a setting: 0 if it has it, 1 if it has nothing like it."""
    if _has(about, [word]):
        return 0.0
    params = dict(about.get("params") or {})
    name, _, wanted = word.partition("=")
    try:
        value = float(params[{symbol(one): one for one in params}.get(name, name)])
        return min(1.0, abs(value - float(wanted)) / (abs(value) + abs(float(wanted))))
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return 1.0


def load_trained(storage: Path, name: str) -> TrainedTrial:
    """The newest saved model of a trial; its data set is not read.

    Raises `UserError` if there is no such trial, or it has no saved model.
    """
    found = find_trial(storage, name)
    about = stored_trial(storage, found)
    try:
        trial = restored_trial(storage, about["trial"])
        commit = ledger.newest_commit(storage, found)
        state = load_state(commit) if commit else {}
        params = {
            key.removeprefix("param/"): value
            for key, value in state.items()
            if key.startswith("param/")
        }
        if commit is None or not params:
            raise UserError(_missing(found, commit))
        objective, model = bound(trial, params)
    except (TrainerError, OSError, KeyError, TypeError) as error:
        raise UserError(f"the trial {found} cannot be read: {error}") from error
    return TrainedTrial(
        found,
        str(about.get("label", found)),
        paths.trial_folder(storage, found),
        trial,
        objective,
        model,
        commit.progress.epoch,
    )


def require_pictures(trained: TrainedTrial) -> None:
    """Raise `UserError` if the data are not images."""
    data = trained.trial.data
    if len(data.shape) != 3 or data.value_range is None:
        raise UserError(
            f"{name_of(data)} has no images, only vectors of {data.shape[0]} numbers; "
            "draw samples of it from Python, with trainers.samplers"
        )


def sweeps_of(storage: Path, trial: str) -> Iterator[tuple[str, str]]:
    """Experiment and tracking URI of every sweep that has the trial, the newest first."""
    for row in _rows(storage, trial):
        yield str(row["experiment"]), stored_tracking(row, storage)


def stored_trial(storage: Path, trial: str) -> dict[str, Any]:
    """The content of ``trial.json`` with the present paths of its data; empty if missing."""
    about = dict(_about(storage, trial))
    config = dict(about.get("trial") or {})
    data = config.get("data")
    if not isinstance(data, dict) or data.get("name") not in DATASETS:
        return about
    homes = [stored_home(row, storage) for row in _rows(storage, trial)]
    places = {
        field.name: _found(str(data[field.name]), homes, storage)
        for field in describe_fields(DATASETS[data["name"]])
        if field.where and isinstance(data.get(field.name), str)
    }
    return about | {"trial": config | {"data": data | places}}


def _found(path: str, homes: Sequence[Home], storage: Path) -> str:
    """The first existing location of the path under `homes`; the path itself if there is none."""
    places = [home.find(Path(path).expanduser(), storage) for home in homes]
    return str(next((place for place in places if place.exists()), path))


def _rows(storage: Path, trial: str) -> list[dict[str, Any]]:
    """The ``sweep.json`` of every sweep that has the trial, the newest first."""
    rows = [
        row
        for row in map(read_sweep, paths.sweep_files(storage))
        if row and any(one["id"] == trial for one in row["trials"])
    ]
    return sorted(rows, key=lambda row: str(row["created"]), reverse=True)


def _missing(trial: str, commit: checkpoint.Commit | None) -> str:
    if commit is None:
        return f"the trial {trial} has no saved model yet; run its grid, or wait for a checkpoint"
    return (
        f"the trial {trial} {commit.progress.status} ({commit.progress.reason}) and left no "
        "model; choose another trial"
    )


def _about(storage: Path, trial: str) -> Mapping[str, Any]:
    """The content of `trial.json`; empty if it is not valid."""
    return read_trial(paths.trial_file(storage, trial)) or {}
