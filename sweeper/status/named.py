"""The sweeps that a command is given by the name of a grid, an experiment or a sweep."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sweeper.errors import UserError
from sweeper.grid.document import read
from sweeper.grid.grid_files import shipped_grids
from sweeper.status.listed import listed_sweeps, sweep_rows
from sweeper.storage.addresses import storage_path
from sweeper.storage.paths import grid_file
from sweeper.sweep import ListedSweep, Sweep

__all__ = ["sweeps_named"]


def sweeps_named(name: str, storage: str | None) -> Sequence[Sweep | ListedSweep]:
    """The stored sweeps of this name, else the sweep of the grid of that name.

    storage : in place of the grid's, by default ``./sweeps``. Raises `UserError` if there is none.
    """
    if Path(name).is_file():
        if found := _stored_as(Path(name), storage):
            return found
    else:
        try:
            return listed_sweeps(storage_path(storage or "sweeps"), name)
        except UserError:
            if name not in shipped_grids():
                raise
    from sweeper.grid import loading  # and torch
    from sweeper.status.stored import as_stored, with_known

    return [as_stored(with_known(loading.load(name, yes=True, storage=storage)))]


def _stored_as(file: Path, storage: str | None) -> list[ListedSweep]:
    """The sweep that was stored with this very file as its grid: its trials need no torch.

    Empty if there is none, or if more than the file decides what the trials are.
    """
    try:
        grid = read(file)
        values = grid.values if isinstance(grid.values, dict) else {"components": "none"}
        place = storage_path(storage or str(values.get("storage") or "sweeps"))
        rows = [] if "components" in values else sweep_rows(place)
    except UserError:  # a mistake in the grid: loading it tells all of them
        return []
    same = [
        row
        for folder, row in rows
        if row["sweep"].rpartition("-")[0] == file.stem
        and (copy := grid_file(folder)).is_file()
        and copy.read_text(encoding="utf-8") == grid.text
    ]
    found = [one for row in same for one in listed_sweeps(place, row["sweep"])]
    whole = [len(one.trials) for one in found] == [len(row["trials"]) for row in same]
    return found if len(found) == 1 and whole else []
