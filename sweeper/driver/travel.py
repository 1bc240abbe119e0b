"""The folder that travels to a cluster with a sweep: the program, the grid and its components."""

from __future__ import annotations

import posixpath
from pathlib import Path

from sweeper.errors import UserError
from sweeper.grid.grid_files import find_grid
from sweeper.schedule.sent_code import copy_program
from sweeper.sweep import Sweep

__all__ = ["pack_up", "travelling_name"]


def pack_up(sweep: Sweep, grid: str, folder: Path) -> str:
    """Copy what a sweep needs to a folder; returns the grid's path in it.

    Raises `UserError` for a component that does not lie beside the grid or below.
    """
    copy_program(folder)
    target = folder / "grids" / find_grid(grid).name
    target.parent.mkdir()
    target.write_text(sweep.grid, encoding="utf-8")
    for named, file in sweep.components.items():
        place = target.parent / travelling_name(named)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.text)
    return str(target.relative_to(folder))


def travelling_name(component: str) -> str:
    """The path of a component from the grid's folder on; raises `UserError` if it is outside."""
    path = posixpath.normpath(component)
    if posixpath.isabs(path) or path.split("/")[0] == posixpath.pardir:
        raise UserError(
            f"the component {component} does not lie beside the grid or below, and cannot be sent "
            "with it; move it there"
        )
    return path
