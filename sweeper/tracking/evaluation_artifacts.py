"""The artifacts and tags of an evaluation in an MLflow run: its table and its pictures."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from sweeper.pictures.gallery import rows_png
from sweeper.storage.evaluations import StoredEvaluation

__all__ = ["TAG", "artifacts", "evaluation_tags"]

TAG = "sweeper.evaluations"
FOLDER = "evaluations"


def artifacts(found: StoredEvaluation) -> Iterator[tuple[str, bytes]]:
    """Path and content of the table, in the format of MLflow's tables, and of each picture."""
    if found.table:
        columns = list(found.table[0])
        rows = [[row.get(name) for name in columns] for row in found.table]
        yield _table(found.name), json.dumps({"columns": columns, "data": rows}).encode()
    for name, picture in found.load_pictures().items():
        yield f"{FOLDER}/{found.name}-{name}.png", rows_png(picture)


def evaluation_tags(keys: Sequence[str]) -> dict[str, str]:
    """Tags with the delivered evaluations' keys, and for MLflow to show their tables as tables."""
    tables = dict.fromkeys(_table(key.rpartition("-")[0]) for key in keys)
    shown = [{"path": path, "type": "table"} for path in tables]
    return {TAG: " ".join(keys), "mlflow.loggedArtifacts": json.dumps(shown)}


def _table(name: str) -> str:
    return f"{FOLDER}/{name}.json"
