"""Keep a picture of a trained model: in its storage folder, and in MLflow if that answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sweeper.errors import UserError
from sweeper.pictures.drawings import Drawing
from sweeper.pictures.gallery import rows_png
from sweeper.storage import ledger
from sweeper.storage.places import require_store
from sweeper.storage.trained import TrainedTrial, sweeps_of
from sweeper.tracking.address import check_address, settle

__all__ = ["Kept", "keep"]


@dataclass(frozen=True)
class Kept:
    """Where a picture lies: its file, the MLflow runs that show it, and why others do not."""

    path: Path
    runs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def keep(storage: Path, trained: TrainedTrial, drawing: Drawing, out: Path | None) -> Kept:
    """Write the PNG to ``<trial>/pictures`` (and to `out`), then show it in the trial's runs.

    A tracker that is down loses nothing: the same command draws and shows the same picture.
    Raises `UserError` where a file cannot be written.
    """
    content = rows_png(drawing.rows)
    path = trained.pictures / f"{drawing.name}.png"
    for target in [path, *([out] if out else [])]:
        try:
            ledger.write_file(target, content)
        except OSError as error:
            raise UserError(f"the picture cannot be written to {target}: {error.strerror}; "
                            "choose another place with --out or --storage") from error
    runs, notes = [], []
    for experiment, uri in dict.fromkeys(sweeps_of(storage, trained.id)):
        run, note = _show(uri, experiment, trained.id, path)
        runs += [run] if run else []
        notes += [note] if note else []
    return Kept(path, tuple(runs), tuple(notes))


def _show(uri: str, experiment: str, trial: str, path: Path) -> tuple[str | None, str | None]:
    """The id of the run that now shows the picture, or why there is none."""
    settle()
    try:
        require_store(uri)
        check_address(uri)
        from sweeper.tracking.files import add_picture  # takes seconds: the picture is written

        run = add_picture(uri, experiment, trial, path)
    except UserError as error:
        return None, f"not shown in MLflow: {error.message}"
    except Exception as error:  # noqa: BLE001 - whatever a tracker does, the picture is there
        return None, f"not shown in MLflow: {(str(error).splitlines() or [''])[0]}"
    return run, None if run else f"not shown in MLflow: {uri} has no run of this trial"
