"""Read trials from a storage folder: the newest valid commit of each, and nothing else.

Layout: `trials/<id>/<attempt>/<epoch>/{manifest,records}.json`. A commit is valid when its
manifest parses and every file that it names has the stated size. Of the newest attempt that has
a valid commit, the newest epoch counts; torn commits and superseded attempts are never read.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.errors import LoadError
from analysis.sources.frames import TrialRow
from analysis.sources.schema import Gallery, Spectrum, metric_name

__all__ = [
    "Commit",
    "StoredTrial",
    "SweepEntry",
    "gallery",
    "members",
    "newest_commit",
    "pictures",
    "read_trial",
    "spectra",
    "stamp",
    "sweeps",
    "tables",
]


@dataclass(frozen=True)
class Commit:
    """A valid commit: its folder and its manifest."""

    path: str
    manifest: dict[str, Any]


@dataclass(frozen=True)
class SweepEntry:
    """A trial's part in an experiment; `declared` wins where two sweeps disagree."""

    trial: str
    role: str = "declared"
    twin_of: str | None = None
    label: str | None = None


@dataclass(frozen=True)
class StoredTrial:
    """What storage says about one trial: its row, and the records up to its commit.

    The records of evaluations, which are asked once, come last, each at the epoch of its model.
    """

    row: TrialRow
    records: list[dict[str, Any]] = field(default_factory=list)


def read_json(path: str | Path) -> Any:
    """The content of a JSON file, or None if it is missing or torn."""
    try:
        with open(path, "rb") as file:
            return json.load(file)
    except (OSError, ValueError):
        return None


def sweeps(storage: Path, experiment: str) -> list[dict[str, Any]]:
    """The sweeps of `experiment`, oldest first; LoadError names the experiments that exist."""
    folder = storage / "sweeps" / experiment
    found = [read_json(path) for path in sorted(folder.glob("*/sweep.json"))]
    found = [sweep for sweep in found if isinstance(sweep, dict)]
    if not found:
        raise LoadError(_missing(storage, experiment))
    return sorted(found, key=lambda sweep: str(sweep.get("created", "")))


def _missing(storage: Path, experiment: str) -> str:
    if not storage.is_dir():
        return f"there is no storage at {storage}; name the folder that the sweep wrote to"
    known = sorted({path.parent.parent.name for path in storage.glob("sweeps/*/*/sweep.json")})
    names = ", ".join(known) if known else "none yet"
    return f"no experiment {experiment!r} in {storage}; experiments there: {names}"


def members(found: list[dict[str, Any]]) -> dict[str, SweepEntry]:
    """Every trial that a sweep of the experiment refers to, by id."""
    known: dict[str, SweepEntry] = {}
    for sweep in found:
        for entry in sweep.get("trials", []):
            old = known.get(entry["id"])
            new = SweepEntry(
                entry["id"],
                entry.get("role") or "declared",
                entry.get("twin_of"),
                entry.get("label"),
            )
            known[new.trial] = new if old is None else _merged(old, new)
    return known


def _merged(old: SweepEntry, new: SweepEntry) -> SweepEntry:
    role = "declared" if "declared" in (old.role, new.role) else new.role
    return SweepEntry(new.trial, role, new.twin_of or old.twin_of, new.label or old.label)


def newest_commit(trial: str) -> Commit | None:
    """The newest epoch of the newest attempt that has a valid commit; None if there is none."""
    for attempt in _numbered(trial):
        for epoch in _numbered(f"{trial}/{attempt}"):
            path = f"{trial}/{attempt}/{epoch}"
            manifest = read_json(f"{path}/manifest.json")
            if _valid(path, manifest):
                return Commit(path, manifest)
    return None


def _numbered(folder: str) -> list[str]:
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    return sorted((name for name in names if name.isdecimal()), key=int, reverse=True)


def _valid(path: str, manifest: Any) -> bool:
    if not isinstance(manifest, dict) or "status" not in manifest:
        return False
    try:
        return all(
            os.stat(f"{path}/{name}").st_size == entry["size"]
            for name, entry in manifest.get("files", {}).items()
        )
    except OSError:
        return False


def read_trial(storage: Path, member: SweepEntry, commit: Commit | None) -> StoredTrial:
    """All that storage says about one trial, up to `commit`."""
    folder = f"{storage}/trials/{member.trial}"
    trial = read_json(f"{folder}/trial.json") or {}
    records = _records(folder, commit)
    records = [*records, *(_asked(evaluation) for _, evaluation in _evaluations(folder))]
    metrics: dict[str, float | None] = {}
    for record in records:
        metrics.update(record["metrics"])
    return StoredTrial(
        TrialRow(_facts(member, trial, commit), trial.get("params", {}), metrics), records
    )


def _asked(evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """The metrics of an evaluation as a record."""
    return {
        "epoch": int(evaluation.get("epoch") or 0),
        "time_ms": int(evaluation.get("time_ms") or 0),
        "metrics": {
            metric_name(name): value for name, value in evaluation.get("metrics", {}).items()
        },
    }


def _records(folder: str, commit: Commit | None) -> list[dict[str, Any]]:
    """The records of `commit`; of its successor if it was pruned in the meantime."""
    if commit is None:
        return []
    records = read_json(f"{commit.path}/records.json")
    if records is None and "records.json" in commit.manifest.get("files", {}):
        successor = newest_commit(folder)
        records = read_json(f"{successor.path}/records.json") if successor else None
    return records if isinstance(records, list) else []


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
    }


def _evaluations(folder: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Keys and contents, the oldest first: asked again with other settings, the newest counts."""
    try:
        names = sorted(os.listdir(f"{folder}/evaluations"))
    except OSError:
        return
    read = [
        (name.removesuffix(".json"), read_json(f"{folder}/evaluations/{name}"))
        for name in names
        if name.endswith(".json")
    ]
    found = [(key, content) for key, content in read if isinstance(content, dict)]
    yield from sorted(found, key=lambda one: one[1].get("time_ms", 0))


def stamp(storage: Path, trial: str, commit: Commit | None) -> str:
    """A text that changes whenever the trial's commit or its evaluations do."""
    folder = f"{storage}/trials/{trial}/evaluations"
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
        for key, evaluation in _evaluations(f"{storage}/trials/{trial}"):
            if evaluation.get("table"):
                frame = pd.DataFrame(evaluation["table"]).assign(trial=trial)
                found.setdefault(key, []).append(frame)
    return {key: pd.concat(frames, ignore_index=True) for key, frames in found.items()}


def gallery(storage: Path, trial: str) -> Gallery | None:
    """The pictures of a trial, or None; arrays are read without pickle."""
    path = storage / "trials" / trial / "evaluations" / "gallery.npz"
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as pictures:
            return {name: pictures[name] for name in pictures.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):  # the last two: it is torn
        return None


def pictures(storage: Path, trial: str) -> list[Path]:
    """The PNG files that were drawn of a trial, the oldest first."""
    found = (storage / "trials" / trial / "pictures").glob("[!.]*.png")
    return sorted(found, key=lambda path: (path.stat().st_mtime_ns, path.name))


def spectra(storage: Path) -> dict[str, Spectrum]:
    """The spectrum of every data set that the storage knows, by checksum."""
    found: dict[str, Spectrum] = {}
    for path in sorted(storage.glob("datasets/*.json")):
        content = read_json(path)
        if isinstance(content, dict) and "eigenvalues" in content:
            found[content["checksum"]] = Spectrum(
                str(content.get("name", "")),
                content["checksum"],
                int(content["dims"]),
                np.asarray(content["eigenvalues"], dtype=np.float64),
                tuple(content.get("shape", ())),
                int(content.get("n_train", 0)),
            )
    return found
