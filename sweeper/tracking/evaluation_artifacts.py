"""The artifacts and tags of an evaluation in an MLflow run: its table and its pictures."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from sweeper.pictures.gallery import rows_png
from sweeper.storage.evaluations import StoredEvaluation
from sweeper.tracking.tags import EVALUATED

__all__ = ["artifacts", "evaluation_tags"]

FOLDER = "evaluations"


def artifacts(
    found: StoredEvaluation, ends: tuple[float, float] | None = None
) -> Iterator[tuple[str, bytes]]:
    """Path and content of the table, in the format of MLflow's tables, and of each picture.

    ends : the data values that are black and white.
    """
    if found.table:
        columns = list(found.table[0])
        rows = [[row.get(name) for name in columns] for row in found.table]
        yield _table(found.name), json.dumps({"columns": columns, "data": rows}).encode()
    for name, picture in found.load_pictures().items():
        yield (
            f"{FOLDER}/{found.name}-{name}.png",
            rows_png(picture, _captions(found, name, len(picture)), ends),
        )


def _captions(found: StoredEvaluation, name: str, rows: int) -> list[str]:
    """What the rows of a picture show; empty if that is not known of the evaluation."""
    levels = list(dict.fromkeys(row["level"] for row in found.table if row.get("noise") == name))
    if found.name == "denoising" and rows == 1 + 2 * len(levels):
        pairs = [(f"{name} {level:g}", "denoised") for level in levels]
        return ["clean", *(one for pair in pairs for one in pair)]
    if found.name == "redenoising" and rows == 2 + len(found.table):
        return ["clean", "noisy", *(f"estimate {row['estimate']}" for row in found.table)]
    return []


def evaluation_tags(keys: Sequence[str]) -> dict[str, str]:
    """Tags with the delivered evaluations' keys, and for MLflow to show their tables as tables."""
    tables = dict.fromkeys(_table(key.rpartition("-")[0]) for key in keys)
    shown = [{"path": path, "type": "table"} for path in tables]
    return {EVALUATED: " ".join(keys), "mlflow.loggedArtifacts": json.dumps(shown)}


def _table(name: str) -> str:
    return f"{FOLDER}/{name}.json"
