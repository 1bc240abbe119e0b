"""The stored format of a commit: its files, its manifest, and which of them are valid.

A manifest is valid if it is JSON of format `SCHEMA`, has the fields of `MANIFEST_TYPES`, names
the records and the state, and each file that it names has the stated size. A manifest of a newer
format is refused. `analysis.sources.stored_files` states the same rules for its own reader.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import NoneType
from typing import Any

from trainers.errors import NewerFormat, ResumeError
from trainers.record import Record

__all__ = [
    "FILES",
    "MANIFEST",
    "RECORDS",
    "SCHEMA",
    "STATE",
    "STATUSES",
    "EncodedRecords",
    "Types",
    "are_numbers",
    "decode_records",
    "has_types",
    "read_manifest",
    "read_stored",
]

SCHEMA = 1
MANIFEST, RECORDS, STATE = "manifest.json", "records.json", "state.safetensors"
FILES = (MANIFEST, RECORDS, STATE)
STATUSES = ("running", "pruned", "finished", "failed")
Types = Mapping[str, type | tuple[type, ...]]

MANIFEST_TYPES: Types = {
    "attempt": int,
    "epoch": int,
    "step": int,
    "status": str,
    "reason": (str, NoneType),
    "wall_s": (int, float),
    "kind": (str, NoneType),
    "time_ms": int,
    "files": dict,
}
FILE_TYPES: Types = {"size": int, "sha256": str}
RECORD_TYPES: Types = {"epoch": int, "step": int, "time_ms": int, "metrics": dict}


def read_manifest(commit: Path) -> dict[str, Any] | None:
    """The manifest in the folder of a valid commit; None if the commit is not valid.

    Raises `NewerFormat`.
    """
    manifest = read_stored(commit / MANIFEST, MANIFEST_TYPES)
    if manifest is None or manifest["status"] not in STATUSES:
        return None
    files = manifest["files"]
    if not {RECORDS, STATE} <= files.keys():
        return None
    try:
        whole = all(
            has_types(file, FILE_TYPES) and (commit / name).stat().st_size == file["size"]
            for name, file in files.items()
        )
    except OSError:
        return None
    return manifest if whole else None


def read_stored(path: Path, types: Types) -> dict[str, Any] | None:
    """The mapping in a JSON file of this format with fields of these types.

    Returns None if the file is missing or not of this form. Raises `NewerFormat` if a newer
    version wrote it.
    """
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    schema = content.get("schema") if isinstance(content, dict) else None
    if type(schema) is int and schema > SCHEMA:
        raise NewerFormat(
            f"{path} has storage format {schema}, and this version of sweeper reads format "
            f"{SCHEMA}; update sweeper to the version that wrote it, or name another storage"
        )
    valid = type(schema) is int and schema == SCHEMA and has_types(content, types)
    return content if valid else None


def has_types(row: Any, types: Types) -> bool:
    """Whether `row` is a mapping with fields of these types; a boolean is not a number."""
    return isinstance(row, dict) and all(
        isinstance(row.get(name), kind) and not isinstance(row.get(name), bool)
        for name, kind in types.items()
    )


def are_numbers(metrics: Mapping[str, Any]) -> bool:
    """Whether every metric is a number, or null in place of NaN and infinity."""
    return all(
        value is None or (isinstance(value, int | float) and not isinstance(value, bool))
        for value in metrics.values()
    )


class EncodedRecords:
    """The records of a trial as their file has them, each encoded once for all commits to come.

    JSON, with null for NaN and infinity. `last` is the newest record, or None.
    """

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self.last: Record | None = None
        self._rows = bytearray()
        for record in records:
            self.append(record)

    def append(self, record: Record) -> None:
        finite = {
            name: value if math.isfinite(value) else None for name, value in record.metrics.items()
        }
        row = {
            "epoch": record.epoch,
            "step": record.step,
            "time_ms": record.time_ms,
            "metrics": finite,
        }
        self._rows += b", " * bool(self._rows) + json.dumps(row).encode()
        self.last = record

    def content(self) -> bytes:
        """The file of all records so far."""
        return b"[" + self._rows + b"]"


def decode_records(content: bytes) -> list[Record]:
    """The records of a file; raises `ResumeError` if it does not hold any."""
    try:
        rows = json.loads(content)
    except ValueError as error:
        raise ResumeError(f"the records are no JSON: {error}") from error
    valid = isinstance(rows, list) and all(
        has_types(row, RECORD_TYPES) and are_numbers(row["metrics"]) for row in rows
    )
    if not valid:
        raise ResumeError("the records lack an epoch, step, time_ms or metrics, or their types")
    return [
        Record(row["epoch"], row["step"], row["time_ms"], _with_nan(row["metrics"]))
        for row in rows
    ]


def _with_nan(metrics: Mapping[str, Any]) -> dict[str, float]:
    return {name: math.nan if value is None else value for name, value in metrics.items()}
