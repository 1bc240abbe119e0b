"""The folder of a Ray that is started here, which nobody else can enter.

Ray lets everybody write to the folder that it is given, and to its session's folder in it, so that
the one above is private: sockets, logs and what is sent to workers lie there.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cluster.errors import ClusterError

__all__ = ["require_short", "session_folder", "temporary_folder"]

SOCKET = 107  # bytes: the longest name of a Unix socket
PRIVATE, INSIDE = "ray-", "r"  # short, as the names of Ray's sockets are long
SESSION = (
    f"/{PRIVATE}12345678/{INSIDE}/session_2026-01-01_00-00-00_000000_{{pid}}/sockets/plasma_store"
)


def temporary_folder() -> str:
    """RAY_TMPDIR, else TMPDIR, or /tmp where the name of that is too long for Ray's sockets."""
    if named := os.environ.get("RAY_TMPDIR"):
        return named
    folder = tempfile.gettempdir()
    return folder if len(os.fsencode(folder)) <= longest() else "/tmp"


def longest() -> int:
    """Bytes of the longest name of a folder in which Ray's sockets have room."""
    return SOCKET - len(SESSION.format(pid=os.getpid()))


def require_short(folder: str) -> None:
    """Raise `ClusterError` if the paths of Ray's sockets in the folder would be too long."""
    most = longest()
    if (size := len(os.fsencode(folder))) > most:
        raise ClusterError(
            f"the name of the temporary folder {folder} has {size} bytes, and Ray's sockets need "
            f"one of at most {most}; set a shorter one, such as RAY_TMPDIR=/tmp, or use --inline"
        )


@contextmanager
def session_folder() -> Iterator[Path]:
    """A name for Ray's folder, in a new one of mode 0700 that is removed after the block.

    Raises `ClusterError` if the name is too long for Ray's sockets.
    """
    require_short(temporary_folder())
    private = Path(tempfile.mkdtemp(prefix=PRIVATE, dir=temporary_folder()))
    try:
        yield private / INSIDE
    finally:
        shutil.rmtree(private, ignore_errors=True)
