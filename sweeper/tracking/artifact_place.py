"""The artifact location of an experiment, also after its store was moved."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit

from analysis.sources.tracking_address import is_server, sqlite_path

__all__ = ["artifact_location", "bring_artifacts_along", "folder_at", "gone_folder", "run_folder"]

PATIENCE = 30.0  # seconds
FOLDER = "/mlruns/"
OLDEST_RUN = """
SELECT runs.run_uuid, runs.artifact_uri FROM runs
JOIN experiments ON experiments.experiment_id = runs.experiment_id AND experiments.name = ?
JOIN tags ON tags.run_uuid = runs.run_uuid AND tags.key = 'sweeper.trial' AND tags.value = ?
WHERE runs.lifecycle_stage = 'active' ORDER BY runs.start_time LIMIT 1
"""


def artifact_location(uri: str, experiment: str, storage: Path) -> str | None:
    """The location for a new experiment: beside a SQLite file, or in the storage.

    None for a server, which has its own. MLflow's default would be the working folder, which may
    be another one at the next run.
    """
    if is_server(uri):
        return None
    path = sqlite_path(uri)
    return _below(path.resolve().parent if path else storage.resolve(), experiment)


def bring_artifacts_along(uri: str, experiment: str) -> None:
    """Set the artifact locations in a moved or copied SQLite file to ``mlruns`` beside it.

    MLflow stores absolute paths for the experiment, each run and each model, so that new artifacts
    would be written to the old folder, which may belong to another copy. A location that was not
    chosen by `artifact_location` is not changed.
    """
    path = sqlite_path(uri)
    if path is None or not path.is_file():
        return
    new = _below(path.resolve().parent, experiment)
    with closing(sqlite3.connect(path, timeout=PATIENCE)) as database, database:
        row = database.execute(
            "SELECT experiment_id, artifact_location FROM experiments WHERE name = ?",
            (experiment,),
        ).fetchone()
        if row is None or row[1] == new or not _is_chosen(row[1], new):
            return
        database.execute(
            "UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?", (new, row[0])
        )
        for table, column in (("runs", "artifact_uri"), ("logged_models", "artifact_location")):
            database.execute(
                f"UPDATE {table} SET {column} = ? || substr({column}, ?) "
                f"WHERE experiment_id = ? AND substr({column}, 1, ?) = ?",
                (new, len(row[1]) + 1, row[0], len(row[1]), row[1]),
            )


def run_folder(uri: str, experiment: str, trial: str) -> tuple[str, Path] | None:
    """The run of a trial in a SQLite file, and the folder of its artifacts; read without MLflow.

    None if there is no run, or its artifacts are elsewhere than in a folder.
    """
    path = sqlite_path(uri)
    if path is None:
        return None
    with closing(sqlite3.connect(path, timeout=PATIENCE)) as database:
        row = database.execute(OLDEST_RUN, (experiment, trial)).fetchone()
    folder = folder_at(row[1]) if row else None
    return (row[0], folder) if folder else None


def folder_at(location: str) -> Path | None:
    """The folder of a location on this machine; None if it is elsewhere."""
    parts = urlsplit(location)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def gone_folder(location: str) -> Path | None:
    """The parent folder of ``mlruns`` if it no longer exists; None if artifacts can be written.

    MLflow would create it again at the old place of a moved project.
    """
    if folder_at(location) is None or FOLDER not in location:
        return None
    root = folder_at(location.rpartition(FOLDER)[0])
    return None if root is None or root.is_dir() else root


def _below(root: Path, experiment: str) -> str:
    return (root / "mlruns" / re.sub(r"[^\w.-]+", "_", experiment)).as_uri()


def _is_chosen(old: str, new: str) -> bool:
    ends = (uri.rpartition(FOLDER)[2] for uri in (old, new))
    return old.startswith("file://") and FOLDER in old and len(set(ends)) == 1
