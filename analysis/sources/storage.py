"""Read trials from a storage folder: the newest valid commit of each, and its evaluations.

`analysis.sources.paths` has the layout, `analysis.sources.stored_files` the validity rules of
files and commits.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.errors import NotStored
from analysis.sources import paths
from analysis.sources.frames import TrialRow
from analysis.sources.machines import machine
from analysis.sources.schema import Examples, Gallery, Spectrum, metric_name
from analysis.sources.stored_files import (
    Commit,
    newest_commit,
    read_evaluations,
    read_facts,
    read_importance,
    read_records,
    read_sweep,
    read_trial_file,
)

__all__ = [
    "StoredTrial",
    "SweepEntry",
    "examples",
    "gallery",
    "members",
    "pictures",
    "read_trial",
    "spectra",
    "stamp",
    "sweeps",
    "tables",
]


@dataclass(frozen=True)
class SweepEntry:
    """A trial's role in an experiment; ``declared`` takes precedence if two sweeps differ."""

    trial: str
    role: str = "declared"
    twin_of: str | None = None
    label: str | None = None


@dataclass(frozen=True)
class StoredTrial:
    """One trial read from storage: its row, and the records up to its commit.

    The metrics of each evaluation follow as a record at the epoch of the evaluated model.
    """

    row: TrialRow
    records: list[dict[str, Any]] = field(default_factory=list)


def sweeps(storage: Path, experiment: str, shown: str = "") -> list[dict[str, Any]]:
    """The sweeps of `experiment`, oldest first.

    `NotStored` names the experiments that exist, and the storage as `shown`, if that is given.
    """
    found = [(path, read_sweep(path)) for path in paths.sweep_files(storage, experiment)]
    valid = [sweep | read_importance(path.parent) for path, sweep in found if sweep]
    if not valid:
        raise NotStored(_missing(storage, experiment, shown or str(storage)))
    return sorted(valid, key=lambda sweep: str(sweep["created"]))


def _missing(storage: Path, experiment: str, shown: str) -> str:
    if not storage.is_dir():
        return f"there is no storage at {shown}; name the folder that the sweep wrote to"
    found = map(read_sweep, paths.all_sweep_files(storage))
    known = {sweep["experiment"] for sweep in found if sweep}
    names = ", ".join(sorted(known)) or "none yet"
    return f"no experiment {experiment!r} in {shown}; experiments there: {names}"


def members(storage: Path, found: list[dict[str, Any]]) -> dict[str, SweepEntry]:
    """Every trial of the sweeps, by id; one whose ``trial.json`` cannot be read is left out."""
    known: dict[str, SweepEntry] = {}
    for entry in (entry for sweep in found for entry in sweep["trials"]):
        old = known.get(entry["id"])
        new = SweepEntry(
            entry["id"], entry.get("role") or "declared", entry.get("twin_of"), entry.get("label")
        )
        known[new.trial] = new if old is None else _merged(old, new)
    return {
        trial: entry
        for trial, entry in known.items()
        if read_trial_file(paths.trial_file(storage, trial))
    }


def _merged(old: SweepEntry, new: SweepEntry) -> SweepEntry:
    role = "declared" if "declared" in (old.role, new.role) else new.role
    return SweepEntry(new.trial, role, new.twin_of or old.twin_of, new.label or old.label)


def read_trial(storage: Path, member: SweepEntry, commit: Commit | None) -> StoredTrial:
    """Read one trial: its facts, parameters, and the metrics up to `commit`."""
    folder = paths.trial_folder(storage, member.trial)
    trial = read_trial_file(paths.trial_file(storage, member.trial)) or {}
    answers = read_evaluations(folder) if commit else []
    records = [*_records(folder, commit), *map(_asked, answers)]
    metrics: dict[str, float | None] = {}
    for record in records:
        metrics.update(record["metrics"])
    return StoredTrial(
        TrialRow(_facts(member, trial, commit), trial.get("params", {}), metrics), records
    )


def _asked(evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """The metrics of an evaluation as a record."""
    metrics = {metric_name(name): value for name, value in evaluation["metrics"].items()}
    return {"epoch": evaluation["epoch"], "time_ms": evaluation["time_ms"], "metrics": metrics}


def _records(folder: str, commit: Commit | None) -> list[dict[str, Any]]:
    """The records of `commit`, or of its successor if it was deleted since it was found."""
    if commit is None:
        return []
    records = read_records(commit)
    if records is None and not os.path.isdir(commit.path):
        successor = newest_commit(folder)
        records = read_records(successor) if successor else None
    return records or []


def _facts(member: SweepEntry, trial: dict[str, Any], commit: Commit | None) -> dict[str, Any]:
    manifest: dict[str, Any] = commit.manifest if commit else {}
    return {
        "trial": member.trial,
        "run_id": None,
        "status": manifest.get("status", "pending"),
        "role": member.role,
        "twin_of": member.twin_of,
        "label": member.label or trial.get("label"),
        "lineage": trial.get("program"),
        "checksum": trial.get("data", {}).get("checksum"),
        "epoch": manifest.get("epoch"),
        "wall_s": manifest.get("wall_s"),
        "parameters": trial.get("parameters"),
        "reason": manifest.get("reason"),
        "noise": trial.get("noise"),
        "beta_exponent": trial.get("beta_exponent"),
        "machine": machine(manifest),
    }


def stamp(storage: Path, trial: str, commit: Commit | None) -> str:
    """A text that changes whenever the trial's commit or its evaluations do."""
    folder = paths.evaluations_folder(paths.trial_folder(storage, trial))
    try:
        marks = [f"{entry.name}:{entry.stat().st_mtime_ns}" for entry in os.scandir(folder)]
    except OSError:
        marks = []
    state = f"{commit.path}:{commit.manifest['status']}" if commit else "pending"
    return "|".join([state, *sorted(marks)])


def tables(storage: Path, trials: Iterable[str]) -> dict[str, pd.DataFrame]:
    """The tables of all evaluations, by key, with a column `trial`."""
    found: dict[str, list[pd.DataFrame]] = {}
    for trial in trials:
        for evaluation in read_evaluations(paths.trial_folder(storage, trial)):
            if evaluation["table"]:
                frame = pd.DataFrame(evaluation["table"]).assign(trial=trial)
                found.setdefault(evaluation["key"], []).append(frame)
    return {key: pd.concat(frames, ignore_index=True) for key, frames in found.items()}


def gallery(storage: Path, trial: str) -> Gallery | None:
    """The gallery of a trial, read without pickle; None if it is missing or damaged."""
    return _arrays(paths.gallery_file(storage, trial))


def examples(storage: Path, trial: str) -> Examples | None:
    """``kl`` and ``recon`` of each test example of a trial; None if missing or damaged."""
    return _arrays(paths.examples_file(storage, trial))


def _arrays(path: str) -> dict[str, Any] | None:
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):  # the last two: a truncated file
        return None


def pictures(storage: Path, trial: str) -> list[Path]:
    """The PNG files that were drawn of a trial, the oldest first."""
    found = paths.picture_files(storage, trial)
    return sorted(found, key=lambda path: (path.stat().st_mtime_ns, path.name))


def spectra(storage: Path) -> dict[str, Spectrum]:
    """The spectrum of every data set in the storage that has one, by checksum."""
    found: dict[str, Spectrum] = {}
    for content in map(read_facts, paths.dataset_files(storage)):
        if content and "eigenvalues" in content:
            found[content["checksum"]] = Spectrum(
                str(content.get("name", "")),
                content["checksum"],
                int(content["dims"]),
                np.asarray(content["eigenvalues"], dtype=np.float64),
                tuple(content.get("shape", ())),
                int(content.get("n_train", 0)),
            )
    return found
