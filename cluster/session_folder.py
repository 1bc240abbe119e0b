"""The folder of a Ray that is started here, which nobody else can enter.

Ray lets everybody write to the folder that it is given, and to its session's folder in it, so that
the one above is private: sockets, logs and what is sent to workers lie there. Its owner keeps a
file in it locked: the folder of one that was killed is known by that, and is removed.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from cluster.errors import ClusterError
from cluster.processes import command_line

__all__ = ["require_short", "session_folder", "temporary_folder"]

SOCKET = 107  # bytes: the longest name of a Unix socket
PRIVATE, INSIDE = "ray-", "r"  # short, as the names of Ray's sockets are long
OWNED = "owned"  # the file that the owner of a folder keeps locked
LONG_AGO = 3600.0  # seconds
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
    above = temporary_folder()
    require_short(above)
    _remove_left(Path(above))
    private = Path(tempfile.mkdtemp(prefix=PRIVATE, dir=above))
    try:
        with ExitStack() as lock:
            with suppress(OSError):  # a file system without locks: nobody removes it then
                _own(private, lock)
            yield private / INSIDE
    finally:
        shutil.rmtree(private, ignore_errors=True)


def _own(folder: Path, lock: ExitStack) -> None:
    """Lock a new file in the folder, which has its name only when it is locked."""
    new = folder / f"{OWNED}.new"
    file = lock.enter_context(new.open("xb"))
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    new.rename(folder / OWNED)


def _remove_left(above: Path) -> None:
    """Remove the folders whose owners were killed: this user's, if nobody has their lock.

    One that a process names on its command line stays: a Ray that outlived its owner.
    """
    for folder in above.glob(f"{PRIVATE}*"):
        with suppress(OSError), ExitStack() as lock:
            if folder.is_symlink() or folder.stat().st_uid != os.getuid():
                continue
            if not _is_written_again(folder):
                file = lock.enter_context((folder / OWNED).open("rb"))
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not _is_named(folder):
                shutil.rmtree(folder, ignore_errors=True)


def _is_written_again(folder: Path) -> bool:
    """Whether a process of a Ray has made the folder again after its owner had removed it."""
    inside = folder / INSIDE
    sessions = list(inside.iterdir()) if list(folder.iterdir()) == [inside] else []
    named = all(one.name.startswith("session_") for one in sessions)
    return bool(sessions) and named and time.time() - folder.stat().st_mtime > LONG_AGO


def _is_named(folder: Path) -> bool:
    """Whether the command line of a process has a path in the folder."""
    name = os.fsencode(folder / INSIDE)
    return any(
        name in word for entry in Path("/proc").glob("[0-9]*") for word in command_line(entry)
    )
