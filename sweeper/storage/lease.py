"""Leases: file locks that allow one driver for each sweep, and one for each trial.

Where the storage is on a bucket, the lock is for the drivers of one machine; the driver that has
it takes the lease of the sweep in the bucket, too.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from sweeper.bucket import leases
from sweeper.bucket.mirror import SIGNS, Mirror, mirror_of
from sweeper.errors import UserError
from sweeper.storage.paths import lease_file, stop_file, sweep_leases

__all__ = [
    "driven_sweeps",
    "hold_lease",
    "holder",
    "is_held",
    "is_held_here",
    "lease_token",
    "take_lease",
]

TRIES, PAUSE = 3, 0.05  # `is_held` of another process takes the lock for a moment
LOOKS = 20  # at a lease file that its holder, who has just locked it, has not written yet


@contextmanager
def hold_lease(folder: Path, say: Callable[[str], None] = lambda _: None) -> Iterator[None]:
    """Hold the lease of the sweep in `folder` during the block.

    say : called with a sentence about what is waited for, or has happened.

    Raises `UserError` with the holder and its start time if another driver has the lease. The
    operating system releases the lock when the process ends, also if it is killed.
    """
    file = take_lease(folder, TRIES)
    if file is None:
        raise _is_taken(folder)
    with file:
        if mirror := mirror_of(folder):
            with _held_in_bucket(mirror, folder, say) as token:
                _describe(file, token)
                yield
        else:
            yield
        file.truncate(0)


@contextmanager
def _held_in_bucket(mirror: Mirror, folder: Path, say: Callable[[str], None]) -> Iterator[str]:
    """Hold the lease in the bucket during the block; gives its token."""

    def lost() -> None:
        say("another driver has taken this sweep, as this one was not heard of; it stops")
        stop_file(folder).touch()

    key = mirror.sign(lease_file(folder))
    last = leases.holder_of(mirror.hasty.get(key))
    if last and last.get("mirror") != mirror.id:
        say(f"waiting for a sign of life of {_named(last)}, which ran this sweep last")
    held = leases.take(mirror.hasty, key, mirror.id, lost)
    if held is None:
        raise _is_taken(folder)
    held.start()
    try:
        yield held.token
    finally:
        held.release()


def _is_taken(folder: Path) -> UserError:
    return UserError(
        f"this sweep is already being run by {holder(folder)}; wait for it, or "
        "end it there with Ctrl-C, or with `sweeper stop`"
    )


def take_lease(folder: Path, tries: int = 1) -> TextIO | None:
    """Take a folder's lease until the file is closed; returns None if another process has it."""
    folder.mkdir(parents=True, exist_ok=True)
    file = lease_file(folder).open("a+")
    try:
        if not _lock(file, tries):
            file.close()
            return None
        _describe(file)
    except BaseException:
        file.close()
        raise
    return file


def _describe(file: TextIO, token: str | None = None) -> None:
    """Write into a lease file which process holds it, and the token of its lease in a bucket."""
    file.truncate(0)
    row = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    json.dump(row | ({"token": token} if token else {}), file)
    file.flush()


def lease_token(folder: Path) -> str:
    """The token of the lease in the bucket of the driver that runs the sweep here; else ""."""
    try:
        return str(json.loads(lease_file(folder).read_bytes()).get("token", ""))
    except (OSError, ValueError, AttributeError):
        return ""


def is_held(folder: Path) -> bool:
    """Whether a driver holds the lease of `folder` now."""
    if is_held_here(folder):
        return True
    mirror = mirror_of(folder)
    if mirror is None:
        return False
    there = mirror.hasty.find(mirror.sign(lease_file(folder)))
    return there is not None and leases.is_fresh(there.time)


def is_held_here(folder: Path) -> bool:
    """Whether a driver of this machine holds the lease, tested by taking a shared lock."""
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
    here = {file.parent for file in sweep_leases(storage) if is_held_here(file.parent)}
    mirror = mirror_of(storage)
    there = mirror.hasty.entries(f"{SIGNS}/sweeps") if mirror else []
    for entry in there:
        if entry.key.endswith("/lease") and leases.is_fresh(entry.time):
            here.add(storage / Path(entry.key).parent.relative_to(SIGNS))
    return iter(sorted(here))


def holder(folder: Path) -> str:
    """The process that took the lease of `folder` last, as text for a message."""
    mirror = None if is_held_here(folder) else mirror_of(folder)
    try:
        if mirror:
            row = leases.holder_of(mirror.hasty.get(mirror.sign(lease_file(folder))))
        else:
            row = json.loads(_described(folder))
    except (OSError, ValueError):
        row = {}
    return _named(row)


def _described(folder: Path) -> bytes:
    """The content of a lease file; while it is held and still empty, it is read again."""
    for _ in range(LOOKS):
        if (content := lease_file(folder).read_bytes()) or not is_held_here(folder):
            return content
        time.sleep(PAUSE)
    return b""


def _named(row: Any) -> str:
    """The process that a lease describes."""
    try:
        return f"process {row['pid']} on {row['host']} since {row['since']}"
    except (KeyError, TypeError):
        return "another process"


def _lock(file: TextIO, tries: int) -> bool:
    for attempt in range(tries):
        if attempt:
            time.sleep(PAUSE)
        with suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    return False
