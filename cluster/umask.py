"""Keep the files of a Ray that is started here from others, and the umask for what is trained."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["private_children", "restore_umask"]

VARIABLE = "SWEEPER_UMASK"
OWNER_ONLY = 0o077
CLONE_FS = 0x200  # of linux/sched.h: umask and working directory are shared


@contextmanager
def private_children() -> Iterator[None]:
    """Have processes that this thread starts in the block make files that only their owner reads.

    Ray's socket for objects asks for no token. Other threads keep the umask, where the system can
    give this one its own; the processes find it in a variable.
    """
    _own_umask()
    before = os.umask(OWNER_ONLY)
    os.environ[VARIABLE] = f"{before:o}"
    try:
        yield
    finally:
        os.umask(before)
        del os.environ[VARIABLE]


def restore_umask() -> None:
    """Give this process, a worker of such a Ray, the umask of who started it."""
    if given := os.environ.get(VARIABLE):
        os.umask(int(given, 8))


def _own_umask() -> None:
    """Let this thread have a umask of its own, which Linux alone can do."""
    unshare = getattr(ctypes.CDLL(None), "unshare", None)
    if unshare:
        unshare(CLONE_FS)
