"""Evaluations in the storage: one JSON file each, with its pictures beside it."""

from __future__ import annotations

import io
import json
import math
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sweeper.storage import ledger, paths
from sweeper.storage.arrays import read_arrays
from sweeper.sweep import SCHEMA
from trainers.evaluations import Evaluation, Evaluator, config, key

__all__ = ["StoredEvaluation", "missing", "read_evaluations", "write_evaluation"]


@dataclass(frozen=True)
class StoredEvaluation:
    """An evaluation as storage has it: `epoch` is the age of the model that was asked."""

    key: str
    name: str
    epoch: int
    time_ms: int
    metrics: Mapping[str, float]
    table: Sequence[Mapping[str, Any]]
    pictures: Path

    def load_pictures(self) -> dict[str, npt.NDArray[np.uint8]]:
        """Arrays (rows, columns, C, H, W) by name; none where there are none."""
        return read_arrays(self.pictures)


def missing(storage: str | Path, trial: str, evaluate: Sequence[Evaluator]) -> list[Evaluator]:
    """Those of the evaluations that the storage has no valid result of.

    A result that cannot be read, or whose pictures are torn, is not valid.
    """
    return [one for one in evaluate if not _read(paths.evaluation_file(storage, trial, key(one)))]


def write_evaluation(
    storage: str | Path, trial: str, evaluator: Evaluator, found: Evaluation, epoch: int
) -> None:
    """Write the pictures, then the JSON that says that the evaluation is there."""
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
    """The evaluations of a trial, the oldest first, but not those whose keys are in `but`.

    Files that cannot be read are left out.
    """
    found = [
        _read(path) for path in paths.evaluation_files(storage, trial) if path.stem not in but
    ]
    return sorted((one for one in found if one), key=lambda one: one.time_ms)


def _read(path: Path) -> StoredEvaluation | None:
    try:
        row = json.loads(path.read_bytes())
        pictures = path.with_suffix(".npz")
        size = row.get("pictures_size")
        if row["key"] != path.stem or (size and pictures.stat().st_size != size):
            return None
        metrics = {
            name: math.nan if value is None else float(value)
            for name, value in row["metrics"].items()
        }
        return StoredEvaluation(
            row["key"],
            row["evaluation"]["name"],
            int(row["epoch"]),
            int(row["time_ms"]),
            metrics,
            row["table"],
            pictures,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """JSON knows no NaN and no infinity: they become null."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in row.items()
    }
