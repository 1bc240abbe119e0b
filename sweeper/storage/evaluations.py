"""Results of evaluations in the storage: a JSON file each, and an ``.npz`` of its pictures."""

from __future__ import annotations

import io
import math
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from analysis.sources.stored_files import EVALUATION
from sweeper.storage import ledger, paths
from sweeper.storage.arrays import read_arrays
from sweeper.storage.stored_files import read_known
from sweeper.sweep import SCHEMA
from trainers.commit_format import are_numbers

if TYPE_CHECKING:
    from trainers.evaluations import Evaluation, Evaluator

__all__ = ["StoredEvaluation", "missing", "read_evaluations", "write_evaluation"]


@dataclass(frozen=True)
class StoredEvaluation:
    """A stored evaluation result; `epoch` is the epoch of the model that was evaluated."""

    key: str
    name: str
    epoch: int
    time_ms: int
    metrics: Mapping[str, float]
    table: Sequence[Mapping[str, Any]]
    pictures: Path

    def load_pictures(self) -> dict[str, npt.NDArray[np.uint8]]:
        """Arrays (rows, columns, C, H, W) by name; empty if there are no pictures."""
        return read_arrays(self.pictures)


def missing(storage: str | Path, trial: str, evaluate: Sequence[Evaluator]) -> list[Evaluator]:
    """Those of the evaluations that have no valid result in the storage.

    A result that cannot be read, or whose pictures are damaged, is not valid.
    """
    from trainers.evaluations import key

    return [one for one in evaluate if not _read(paths.evaluation_file(storage, trial, key(one)))]


def write_evaluation(
    storage: str | Path, trial: str, evaluator: Evaluator, found: Evaluation, epoch: int
) -> None:
    """Write the pictures, then the JSON file, whose presence marks the result as complete."""
    from trainers.evaluations import config, key

    name = key(evaluator)
    file, buffer = paths.evaluation_file(storage, trial, name), io.BytesIO()
    if found.pictures:
        np.savez_compressed(buffer, **found.pictures)  # type: ignore[arg-type]
        ledger.write_file(file.with_suffix(".npz"), buffer.getvalue())
    ledger.write_json(
        file,
        {
            "schema": SCHEMA,
            "key": name,
            "evaluation": config(evaluator),
            "epoch": epoch,
            "time_ms": time.time_ns() // 1_000_000,
            "metrics": _plain(found.metrics),
            "pictures_size": len(buffer.getvalue()),
            "table": [_plain(row) for row in found.table],
        },
    )


def read_evaluations(
    storage: str | Path, trial: str, but: Collection[str] = ()
) -> list[StoredEvaluation]:
    """The evaluations of a trial, the oldest first, without those whose keys are in `but`.

    Files that cannot be read are skipped.
    """
    found = [
        _read(path) for path in paths.evaluation_files(storage, trial) if path.stem not in but
    ]
    return sorted((one for one in found if one), key=lambda one: one.time_ms)


def _read(path: Path) -> StoredEvaluation | None:
    row, pictures = read_known(path, EVALUATION), path.with_suffix(".npz")
    if row is None or row["key"] != path.stem or not _is_whole(row, pictures):
        return None
    return StoredEvaluation(
        row["key"],
        row["evaluation"]["name"],
        row["epoch"],
        row["time_ms"],
        {name: math.nan if value is None else value for name, value in row["metrics"].items()},
        row["table"],
        pictures,
    )


def _is_whole(row: Mapping[str, Any], pictures: Path) -> bool:
    """Whether the fields have the right types and the pictures' file has the stated size."""
    try:
        size = pictures.stat().st_size
    except OSError:
        size = None
    return (
        isinstance(row["evaluation"].get("name"), str)
        and are_numbers(row["metrics"])
        and all(isinstance(one, dict) for one in row["table"])
        and (not row.get("pictures_size") or row["pictures_size"] == size)
    )


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with null for NaN and infinity, which JSON cannot represent."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in row.items()
    }
