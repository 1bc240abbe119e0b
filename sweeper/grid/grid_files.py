"""Grid files: those of the user, and those that come with the package."""

from __future__ import annotations

from pathlib import Path

from sweeper.errors import UserError
from sweeper.grid.complaints import nearest

__all__ = ["find_grid", "shipped_grids"]


def shipped_grids() -> dict[str, Path]:
    """The grids that come with `sweeper`, by name."""
    folder = Path(__file__).with_name("shipped")
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def find_grid(grid: str | Path) -> Path:
    """The grid file at a path, or of the shipped grid with this name."""
    path, shipped = Path(grid), shipped_grids()
    if path.is_file():
        return path
    if str(grid) in shipped:
        return shipped[str(grid)]
    beside = map(str, path.parent.glob("*.y*ml"))
    raise UserError(
        f"there is no grid {str(grid)!r}{nearest(str(grid), [*shipped, *beside])} (a "
        f"path, or one of the shipped grids: {', '.join(shipped)})"
    )
