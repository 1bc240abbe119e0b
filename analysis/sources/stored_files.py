"""Read the files of a storage folder, and decide which of them are valid.

A file is valid if it is JSON of format `SCHEMA` with the fields and types that its reader needs;
a newer format is refused with `LoadError`. A commit is valid if its manifest is, names the
records and the state, and each file that it names has the stated size. The newest epoch of the
newest attempt with a valid commit is used. Records whose SHA-256 differs from the manifest's are
not read. `trainers.commit_format` and `sweeper.storage.stored_files` have the same rules; a test
compares the readers.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import NoneType
from typing import Any

from analysis.errors import LoadError
from analysis.sources.paths import MANIFEST, RECORDS, SEARCH, STATE, evaluations_folder

__all__ = [
    "ENTRY",
    "EVALUATION",
    "SWEEP",
    "TRIAL",
    "Commit",
    "newest_commit",
    "read_evaluations",
    "read_facts",
    "read_importance",
    "read_records",
    "read_sweep",
    "read_trial_file",
]

SCHEMA = 1
NUMBER = (int, float)
STATUSES = ("running", "pruned", "finished", "failed")
Types = Mapping[str, type | tuple[type, ...]]

SWEEP: Types = {
    "experiment": str,
    "sweep": str,
    "created": str,
    "tracking_uri": str,
    "trials": list,
    "analysis": (dict, NoneType),
    "provenance": (dict, NoneType),
}
ENTRY: Types = {
    "id": str,
    "role": (str, NoneType),
    "twin_of": (str, NoneType),
    "label": (str, NoneType),
    "line": (int, NoneType),
}
TRIAL: Types = {
    "id": str,
    "program": str,
    "label": str,
    "parameters": int,
    "params": dict,
    "trial": dict,
    "data": dict,
    "merged_from": (str, NoneType),
    "noise": (str, NoneType),
    "beta_exponent": (int, float, NoneType),
}
PROGRESS: Types = {
    "attempt": int,
    "epoch": int,
    "step": int,
    "status": str,
    "reason": (str, NoneType),
    "wall_s": NUMBER,
    "kind": (str, NoneType),
    "time_ms": int,
    "files": dict,
}
FILE: Types = {"size": int, "sha256": str}
RECORD: Types = {"epoch": int, "step": int, "time_ms": int, "metrics": dict}
EVALUATION: Types = {
    "key": str,
    "evaluation": dict,
    "epoch": int,
    "time_ms": int,
    "metrics": dict,
    "table": list,
    "pictures_size": (int, NoneType),
}


@dataclass(frozen=True)
class Commit:
    """A valid commit: its folder and its manifest."""

    path: str
    manifest: dict[str, Any]


def read_sweep(path: Path) -> dict[str, Any] | None:
    """A valid ``sweep.json`` whose experiment and sweep match its folder; None otherwise."""
    sweep = _read(path, SWEEP)
    if sweep is None or [sweep["experiment"], sweep["sweep"]] != list(path.parts[-3:-1]):
        return None
    return sweep if all(_has(one, ENTRY) for one in sweep["trials"]) else None


def read_trial_file(path: str) -> dict[str, Any] | None:
    """A valid ``trial.json`` whose id is the name of its folder; None otherwise."""
    trial = _read(path, TRIAL)
    return trial if trial and trial["id"] == os.path.basename(os.path.dirname(path)) else None


def read_facts(path: Path) -> dict[str, Any] | None:
    """The facts about a data set, with or without a spectrum; None if not valid."""
    return _read(path, {"checksum": str, "dims": int})


def read_importance(sweep_folder: Path) -> dict[str, Any]:
    """``importance`` of a search: for each goal the share of each setting; empty without one."""
    try:
        found = json.loads((sweep_folder / SEARCH).read_bytes())["importance"]
        valid = all(
            isinstance(share, NUMBER) and not isinstance(share, bool)
            for shares in found.values()
            for share in shares.values()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    return {"importance": found} if valid else {}


def newest_commit(trial: str) -> Commit | None:
    """The newest epoch of the newest attempt that has a valid commit; None if there is none."""
    for attempt in _numbered(trial):
        for epoch in _numbered(f"{trial}/{attempt}"):
            path = f"{trial}/{attempt}/{epoch}"
            manifest = _read(f"{path}/{MANIFEST}", PROGRESS)
            if manifest and _whole(path, manifest):
                return Commit(path, manifest)
    return None


def read_records(commit: Commit) -> list[dict[str, Any]] | None:
    """The records of all epochs up to a commit; None if they are damaged or gone."""
    try:
        with open(f"{commit.path}/{RECORDS}", "rb") as file:
            content = file.read()
        rows = json.loads(content)
    except (OSError, ValueError):
        return None
    known = sha256(content).hexdigest() == commit.manifest["files"][RECORDS]["sha256"]
    valid = known and isinstance(rows, list)
    return rows if valid and all(_has(row, RECORD) and _numbers(row) for row in rows) else None


def read_evaluations(trial: str) -> list[dict[str, Any]]:
    """The valid results of a trial's evaluations, the oldest first."""
    folder = evaluations_folder(trial)
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(".json"))
    except OSError:
        return []
    found = [_evaluation(f"{folder}/{name}") for name in names]
    return sorted((one for one in found if one), key=lambda one: one["time_ms"])


def _evaluation(path: str) -> dict[str, Any] | None:
    answer, stem = _read(path, EVALUATION), path.removesuffix(".json")
    if not answer or answer["key"] != os.path.basename(stem) or not _numbers(answer):
        return None
    if not isinstance(answer["evaluation"].get("name"), str):
        return None
    size = answer.get("pictures_size")
    if not all(isinstance(row, dict) for row in answer["table"]):
        return None
    return answer if not size or _size(f"{stem}.npz") == size else None


def _read(path: str | Path, types: Types) -> dict[str, Any] | None:
    """A JSON file of this format with these fields, or None; `LoadError` for a newer format."""
    try:
        with open(path, "rb") as file:
            content = json.load(file)
    except (OSError, ValueError):
        return None
    schema = content.get("schema") if isinstance(content, dict) else None
    if type(schema) is int and schema > SCHEMA:
        raise LoadError(
            f"{path} has storage format {schema}, and this version of sweeper reads format "
            f"{SCHEMA}; update sweeper to the version that wrote it, or name another storage"
        )
    return content if type(schema) is int and schema == SCHEMA and _has(content, types) else None


def _has(row: Any, types: Types) -> bool:
    """Whether `row` is a mapping with fields of these types; a boolean is not a number."""
    return isinstance(row, dict) and all(
        isinstance(row.get(name), kind) and not isinstance(row.get(name), bool)
        for name, kind in types.items()
    )


def _numbers(row: Mapping[str, Any]) -> bool:
    """Whether every metric is a number, or null in place of NaN and infinity."""
    return all(
        value is None or (isinstance(value, NUMBER) and not isinstance(value, bool))
        for value in row["metrics"].values()
    )


def _whole(path: str, manifest: Mapping[str, Any]) -> bool:
    files = manifest["files"]
    return (
        manifest["status"] in STATUSES
        and {RECORDS, STATE} <= files.keys()
        and all(
            _has(entry, FILE) and _size(f"{path}/{name}") == entry["size"]
            for name, entry in files.items()
        )
    )


def _size(path: str) -> int | None:
    try:
        return os.stat(path).st_size
    except OSError:
        return None


def _numbered(folder: str) -> list[str]:
    """The subfolders whose names are numbers, the largest first."""
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    return sorted((name for name in names if name.isdecimal()), key=int, reverse=True)
