"""Keep the log of a submitted driver in the storage, where that is on a bucket.

`sweeper submit` adds all that the driver prints to a file of its host, which `VARIABLE` names.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sweeper.bucket.mirror import mirror_of
from sweeper.storage.ledger import write_file
from sweeper.storage.paths import driver_log
from sweeper.sweep import Sweep

__all__ = ["VARIABLE", "log_uploaded"]

VARIABLE = "SWEEPER_DRIVER_LOG"
EVERY = 5.0  # seconds


@contextmanager
def log_uploaded(sweep: Sweep) -> Iterator[Callable[[str], None]]:
    """Upload the log while the block runs; gives a function that takes its last line.

    Without a bucket or the variable nothing is done. What earlier drivers said stays before it.
    """
    file = Path(os.environ.get(VARIABLE) or os.devnull)
    if mirror_of(sweep.storage) is None or not file.is_file():
        yield lambda _: None
        return
    log = driver_log(sweep)
    before = log.read_bytes() if log.is_file() else b""
    ended, last = threading.Event(), list[str]()

    def follow() -> None:
        there = b""
        while not ended.wait(EVERY):
            now = before + file.read_bytes()
            if now != there:
                with suppress(OSError):  # uploaded with what follows
                    write_file(log, now)
                    there = now
        with suppress(OSError):
            write_file(log, before + file.read_bytes() + "".join(last).encode())

    thread = threading.Thread(target=follow, name="log")
    thread.start()
    try:
        yield last.append
    finally:
        ended.set()
        thread.join()
