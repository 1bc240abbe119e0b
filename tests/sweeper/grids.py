"""Grid texts for the tests of the grid side."""

from __future__ import annotations

from pathlib import Path

from sweeper.grid.document import parse
from sweeper.grid.expand import expand
from sweeper.grid.resolve import resolve
from sweeper.grid.schema import check_grid
from sweeper.sweep import PlannedTrial

__all__ = ["HEAD", "grid_text", "trials_of", "write_grid"]

HEAD = """\
experiment: test
data: linear_gaussian
defaults: {network: linear, d_z: 2, epochs: 2}
seeds: 2
"""


def grid_text(*blocks: str, head: str = HEAD) -> str:
    """A grid with one line for each block; the first block stands on line 6."""
    return head + "trials:\n" + "".join(f"  - {block}\n" for block in blocks)


def trials_of(text: str) -> tuple[PlannedTrial, ...]:
    """The trials of a grid, without a file and without looking at storage."""
    document = parse(text, "grid.yaml")
    return resolve(document, expand(document, check_grid(document)))


def write_grid(folder: Path, text: str) -> Path:
    path = folder / "grid.yaml"
    path.write_text(text, encoding="utf-8")
    return path
