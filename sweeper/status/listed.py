"""The sweeps of a storage and the names of their trials, without the trials' models.

`sweeper status` needs no more, and starts without torch; `sweeper.status.stored` has the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sweeper.errors import UserError
from sweeper.grid.complaints import nearest
from sweeper.storage import paths
from sweeper.storage.addresses import show_storage
from sweeper.storage.home import stored_tracking
from sweeper.storage.stored_files import read_sweep, read_trial
from sweeper.sweep import ListedSweep, ListedTrial

__all__ = ["listed_sweeps", "sweep_rows"]


def listed_sweeps(storage: Path, name: str | None = None) -> list[ListedSweep]:
    """The sweeps of an experiment, or the one of this name, oldest first; without a name, all.

    A trial is left out if its ``trial.json`` is missing or not valid. Raises `UserError` as
    `sweep_rows` does.
    """
    found = [
        ListedSweep(
            experiment=row["experiment"],
            name=row["sweep"],
            storage=storage,
            tracking=stored_tracking(row, storage),
            created=row["created"],
            trials=tuple(trial for one in row["trials"] if (trial := _trial(storage, one))),
        )
        for _, row in sweep_rows(storage, name)
    ]
    return sorted(found, key=lambda one: one.created)


def sweep_rows(storage: Path, name: str | None = None) -> list[tuple[Path, dict[str, Any]]]:
    """The folder and the ``sweep.json`` of each sweep of this name, or of this experiment.

    Without a name, of all. Raises `UserError` if there is none, with the nearest name, or if a
    newer version wrote one.
    """
    rows = [(path.parent, row) for path in paths.sweep_files(storage) if (row := read_sweep(path))]
    names = {row[key] for _, row in rows for key in ("experiment", "sweep")}
    if name is not None and name not in names:
        _require_begun(storage, name)
        known = sorted({row["experiment"] for _, row in rows})
        raise UserError(
            f"there is no experiment or sweep {name!r} in {show_storage(storage)}"
            f"{nearest(name, names)} (experiments there: "
            f"{', '.join(known) or 'none yet'})"
        )
    return [
        (folder, row)
        for folder, row in rows
        if name is None or name in (row["experiment"], row["sweep"])
    ]


def _require_begun(storage: Path, name: str) -> None:
    """Raise `UserError` if an experiment or a sweep was submitted, and its driver writes nothing
    but its log yet.
    """
    for log in paths.driver_logs(storage):
        if name in (log.parent.name, log.parent.parent.name):
            said = log.read_text(encoding="utf-8", errors="replace").splitlines()
            raise UserError(
                f"{log.parent.name} was submitted and has not begun; its log, {log}, says last: "
                f"{said[-1] if said else 'nothing'}"
            )


def _trial(storage: Path, entry: Mapping[str, Any]) -> ListedTrial | None:
    row = read_trial(paths.trial_file(storage, entry["id"]))
    if row is None:
        return None
    label, role = entry.get("label") or row["label"], entry.get("role") or "declared"
    return ListedTrial(row["id"], label, role, row["params"], entry.get("line"))
