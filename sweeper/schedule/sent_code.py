"""A copy of this program, which Ray sends to the nodes of a cluster."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sweeper.import_path import PACKAGES, ROOT

__all__ = ["copied_program", "copy_program"]


def copy_program(folder: Path) -> None:
    """Copy the packages of this program into a folder."""
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__")
        )


@contextmanager
def copied_program(wanted: bool) -> Iterator[Path | None]:
    """A folder with the program during the block, if that is wanted; None otherwise."""
    if not wanted:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="sweeper-") as folder:
        copy_program(Path(folder))
        yield Path(folder)
