"""Store files in runs: pictures, tables, models, logs."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.tracking import MlflowClient

from sweeper.tracking.artifact_place import folder_at, gone_folder
from sweeper.tracking.connection import first_line

__all__ = ["RunFiles"]


class RunFiles:
    """Stores files in runs; one that cannot be stored stops nothing, and `refused` says why.

    The caller names the place of a run's artifacts, which MLflow's client would ask the tracker
    for at each run's first file.
    """

    def __init__(self, client: MlflowClient) -> None:
        self._client = client
        self.refused: str | None = None

    def add(self, run: str, place: str, contents: Mapping[str, bytes]) -> bool:
        """Store files in a run; raises only if the tracker does not answer at all.

        place : the URI of the run's artifacts, or of those of its model. contents : by path below
        it. Returns whether all of them are stored.
        """
        try:
            if gone := gone_folder(place):
                raise FileNotFoundError(f"the folder {gone} is not there")
            self._store(place, contents)
        except Exception as error:  # noqa: BLE001 - a full disk, missing rights, a missing package
            self._client.get_run(run)
            self.refused = first_line(error)
            return False
        return True

    def _store(self, place: str, contents: Mapping[str, bytes]) -> None:
        if folder := folder_at(place):
            _write(folder, contents)
            return
        files = get_artifact_repository(place, tracking_uri=self._client.tracking_uri)
        with tempfile.TemporaryDirectory() as staged:
            for path in _write(Path(staged), contents):
                parent = path.parent.relative_to(staged).as_posix()
                files.log_artifact(str(path), None if parent == "." else parent)  # type: ignore[no-untyped-call]


def _write(folder: Path, contents: Mapping[str, bytes]) -> list[Path]:
    """Write files below a folder; returns their paths."""
    paths = [folder / name for name in contents]
    for parent in {path.parent for path in paths}:
        parent.mkdir(parents=True, exist_ok=True)
    for path, content in zip(paths, contents.values(), strict=True):
        path.write_bytes(content)
    return paths
