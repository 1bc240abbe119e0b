"""Leases: file locks that allow one driver for each sweep, and one for each trial."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from sweeper.errors import UserError
from sweeper.storage.paths import lease_file, sweep_leases

__all__ = ["driven_sweeps", "hold_lease", "holder", "is_held", "take_lease"]

TRIES, PAUSE = 3, 0.05  # `is_held` of another process takes the lock for a moment


@contextmanager
def hold_lease(folder: Path) -> Iterator[None]:
    """Hold the lease of the sweep in `folder` during the block.

    Raises `UserError` with the holder and its start time if another driver has the lease. The
    operating system releases the lock when the process ends, also if it is killed.
    """
    file = take_lease(folder, TRIES)
    if file is None:
        raise UserError(
            f"this sweep is already being run by {holder(folder)}; wait for it, or "
            "end it there with Ctrl-C, or with `sweeper stop`"
        )
    with file:
        yield
        file.truncate(0)


def take_lease(folder: Path, tries: int = 1) -> TextIO | None:
    """Take a folder's lease until the file is closed; returns None if another process has it."""
    folder.mkdir(parents=True, exist_ok=True)
    file = lease_file(folder).open("a+")
    try:
        if not _lock(file, tries):
            file.close()
            return None
        file.truncate(0)
        json.dump(
            {
                "pid": os.getpid(),
                "host": socket.gethostname(),
                "since": datetime.now(UTC).isoformat(timespec="seconds"),
            },
            file,
        )
        file.flush()
    except BaseException:
        file.close()
        raise
    return file


def is_held(folder: Path) -> bool:
    """Whether a driver holds the lease of `folder` now, tested by taking a shared lock."""
    try:
        with lease_file(folder).open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def driven_sweeps(storage: Path) -> Iterator[Path]:
    """The folders of the sweeps that have a running driver."""
    return (file.parent for file in sweep_leases(storage) if is_held(file.parent))


def holder(folder: Path) -> str:
    """The process that took the lease of `folder` last, as text for a message."""
    try:
        row = json.loads(lease_file(folder).read_bytes())
        return f"process {row['pid']} on {row['host']} since {row['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"


def _lock(file: TextIO, tries: int) -> bool:
    for attempt in range(tries):
        if attempt:
            time.sleep(PAUSE)
        with suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    return False
