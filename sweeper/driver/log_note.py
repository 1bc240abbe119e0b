"""A line in the log of a submitted driver, by which its sweep is known before it has begun."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from sweeper.bucket.mirror import Mirror, mirror_of
from sweeper.errors import UserError
from sweeper.storage.ledger import check_writable
from sweeper.storage.paths import driver_log
from sweeper.sweep import Sweep

__all__ = ["noting"]


def noting(sweep: Sweep) -> Callable[[str], None]:
    """A function that adds a line to the log; call this one before the driver is sent.

    The line is not added if that driver has written to its log meanwhile, nor if the storage is on
    a bucket that cannot be used from here.
    """
    log = driver_log(sweep)
    mirror = mirror_of(sweep.storage)
    if mirror is None:
        return partial(_add_to_file, log, _size(log))
    try:
        check_writable(sweep.storage)
        return _adding_to_object(mirror, log)
    except (UserError, OSError):
        return lambda _: None


def _add_to_file(log: Path, before: int, line: str) -> None:
    with suppress(OSError):
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as file:
            if _size(log) == before:
                file.write(f"{line}\n")


def _size(log: Path) -> int:
    try:
        return log.stat().st_size
    except OSError:
        return 0


def _adding_to_object(mirror: Mirror, log: Path) -> Callable[[str], None]:
    bucket, key = mirror.hasty, mirror.key(log)
    before = bucket.get(key)

    def add(line: str) -> None:
        with suppress(OSError):
            if before:
                bucket.update(key, before.content + f"{line}\n".encode(), before.tag)
            else:
                bucket.create(key, f"{line}\n".encode())

    return add
