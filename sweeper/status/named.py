"""The sweeps that a command is given by the name of a grid, an experiment or a sweep."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sweeper.errors import UserError
from sweeper.grid.grid_files import shipped_grids
from sweeper.status.listed import listed_sweeps
from sweeper.storage.addresses import storage_path
from sweeper.sweep import ListedSweep, Sweep

__all__ = ["sweeps_named"]


def sweeps_named(name: str, storage: str | None) -> Sequence[Sweep | ListedSweep]:
    """The stored sweeps of this name, else the sweep of the grid of that name.

    storage : in place of the grid's, by default ``./sweeps``. Raises `UserError` if there is none.
    """
    if not Path(name).is_file():
        try:
            return listed_sweeps(storage_path(storage or "sweeps"), name)
        except UserError:
            if name not in shipped_grids():
                raise
    from sweeper.grid import loading  # and torch
    from sweeper.status.stored import as_stored, with_known

    return [as_stored(with_known(loading.load(name, yes=True, storage=storage)))]
