"""Save a picture of a trained model in the storage, and in MLflow if it answers."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from analysis.sources.tracking_address import without_password
from sweeper.errors import UserError
from sweeper.pictures.drawings import Drawing
from sweeper.pictures.gallery import rows_png
from sweeper.status.trained import TrainedTrial, sweeps_of
from sweeper.storage import ledger
from sweeper.storage.addresses import require_store
from sweeper.tracking.artifact_place import bring_artifacts_along, run_folder
from sweeper.tracking.connection import check_address, first_line, settle

__all__ = ["KeptPicture", "keep"]


@dataclass(frozen=True)
class KeptPicture:
    """A saved picture: its file, the MLflow runs that have it, and why other runs have not."""

    path: Path
    runs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def keep(storage: Path, trained: TrainedTrial, drawing: Drawing, out: Path | None) -> KeptPicture:
    """Write the PNG to ``<trial>/pictures`` (and to `out`), then add it to the trial's runs.

    If the tracker is down, the same command run later adds the same picture. Raises `UserError`
    if a file cannot be written.
    """
    content = rows_png(drawing.rows, drawing.captions, drawing.ends)
    path = trained.pictures / f"{drawing.name}.png"
    for target in [path, *([out] if out else [])]:
        try:
            ledger.write_file(target, content)
        except OSError as error:
            raise UserError(
                f"the picture cannot be written to {target}: {error.strerror}; "
                "choose another place with --out or --storage"
            ) from error
    runs, notes = [], []
    for experiment, uri in dict.fromkeys(sweeps_of(storage, trained.id)):
        run, note = _show(uri, experiment, trained.id, path)
        runs += [run] if run else []
        notes += [note] if note else []
    return KeptPicture(path, tuple(runs), tuple(notes))


def _show(uri: str, experiment: str, trial: str, path: Path) -> tuple[str | None, str | None]:
    """Add the picture to a trial's run; returns the run's id, and the reason if that failed."""
    settle()
    try:
        require_store(uri)
        check_address(uri)
        run = _add_to_folder(uri, experiment, trial, path) or _add(uri, experiment, trial, path)
    except UserError as error:
        return None, f"not shown in MLflow: {error.message}"
    except Exception as error:  # noqa: BLE001 - whatever a tracker does, the picture is there
        return None, f"not shown in MLflow: {first_line(error)}"
    return (
        run,
        None if run else f"not shown in MLflow: {without_password(uri)} has no run of this trial",
    )


def _add_to_folder(uri: str, experiment: str, trial: str, path: Path) -> str | None:
    """Copy the picture into the folder of a trial's run, as MLflow does; None if it has none."""
    bring_artifacts_along(uri, experiment)
    if not (found := run_folder(uri, experiment, trial)):
        return None
    run, folder = found
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    shutil.copy(path, folder / "pictures")
    return run


def _add(uri: str, experiment: str, trial: str, path: Path) -> str | None:
    from sweeper.tracking.files import add_picture  # takes seconds to import

    return add_picture(uri, experiment, trial, path)
