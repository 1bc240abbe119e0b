"""One driver a sweep: a lock that its process holds, and that dies with it."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from sweeper.errors import UserError

__all__ = ["hold_lease", "is_held"]

TRIES, PAUSE = 3, 0.05  # who only asks whether the lease is held holds it for a moment


@contextmanager
def hold_lease(folder: Path) -> Iterator[None]:
    """Be the only driver of the sweep in `folder`; `UserError` says who is, and since when.

    The lock belongs to the process: one that was killed holds nothing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lease").open("a+") as file:
        if not any(_take(file) for _ in range(TRIES)):
            raise UserError(f"this sweep is already being run by {_holder(file)}; wait for it, or "
                            "stop it with Ctrl-C there")
        file.truncate(0)
        json.dump({"pid": os.getpid(), "host": socket.gethostname(),
                   "since": datetime.now(UTC).isoformat(timespec="seconds")}, file)
        file.flush()
        yield
        file.truncate(0)


def is_held(folder: Path) -> bool:
    """Whether a driver holds the sweep in `folder` now; found out in a moment, with a lock."""
    try:
        with (folder / "lease").open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _take(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        time.sleep(PAUSE)
        return False
    return True


def _holder(file: TextIO) -> str:
    file.seek(0)
    try:
        row = json.loads(file.read())
        return f"process {row['pid']} on {row['host']} since {row['since']}"
    except (ValueError, KeyError, TypeError):
        return "another process"
