"""The files that a trial's MLflow run gets when the trial has ended."""

from __future__ import annotations

from pathlib import Path

from sweeper.pictures.gallery import gallery_png
from sweeper.storage import paths
from sweeper.sweep import PlannedTrial

__all__ = ["files_at_the_end"]


def files_at_the_end(storage: Path, trial: PlannedTrial, failed: bool) -> dict[str, bytes]:
    """A trial's pictures, what its worker said, and the traceback if it failed, by file name."""
    folder = paths.trial_folder(storage, trial.id)
    picture = gallery_png(paths.gallery_file(folder), trial.trial.data.value_range)
    texts = [paths.worker_log(folder), *([paths.error_file(folder)] if failed else [])]
    found = {path.name: path.read_bytes() for path in texts if path.is_file()}
    return found | ({"gallery.png": picture} if picture else {})
