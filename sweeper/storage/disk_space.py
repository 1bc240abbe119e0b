"""Check that the storage's disk has a reserve of free space, so that later writes succeed."""

from __future__ import annotations

import shutil
from pathlib import Path

__all__ = ["scarce", "shortage"]

SHARE, LEAST, MOST = 0.01, 200_000_000, 0.1


def shortage(folder: Path) -> str | None:
    """A sentence for the user if less than the reserve is free; None otherwise."""
    left = scarce(folder)
    return left and (
        f"the disk of the storage has {left}: no checkpoint was saved between the first epoch and "
        "the last; make room"
    )


def scarce(folder: Path) -> str | None:
    """What is left of a disk, if that is less than the reserve; None otherwise.

    The reserve is the larger of 1 % of the disk and 200 MB, and at most a tenth of the disk.
    """
    total, _, free = shutil.disk_usage(folder)
    kept = min(max(SHARE * total, LEAST), MOST * total)
    if free >= kept:
        return None
    return f"{_mb(free)} left, and {_mb(kept)} are kept free"


def _mb(size: float) -> str:
    return f"{size / 1e6:,.1f} MB"
