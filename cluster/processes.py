"""Start a process in a session of its own, and find the descendants of a process."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath
from typing import IO

__all__ = [
    "alive",
    "command_line",
    "descendants",
    "in_session",
    "in_this_network",
    "own_session",
    "parent_of",
    "running",
]


@contextmanager
def own_session(
    command: Sequence[str],
    words: IO[bytes] | IO[str] | int,
    settings: Mapping[str, str] | None = None,
    folder: str | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a process in its own session, which Ctrl-C does not reach; kill its group afterwards.

    words : the file for its output. settings : environment variables, added to this process's.
    folder : its working directory; None for that of this process.
    """
    with subprocess.Popen(
        command,
        stdout=words,
        stderr=words,
        start_new_session=True,
        cwd=folder,
        env=os.environ | dict(settings or {}),
    ) as process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()  # after Ctrl-C nobody else does


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie, dead but not yet waited for, does not.

    A process whose first thread is a zombie has its sockets until the others have ended.
    """
    try:
        state = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0]
        return state not in (b"Z", b"X") or len(os.listdir(f"/proc/{pid}/task")) > 1
    except (FileNotFoundError, ProcessLookupError):
        return False


def in_session(leader: int, folder: Path) -> list[int]:
    """The processes of a session whose working directory is a folder.

    The folder tells them from those of a later session whose leader has the same number.
    """
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            pid = int(entry.name)
            if os.getsid(pid) == leader and alive(pid) and (entry / "cwd").samefile(folder):
                found.append(pid)
    return found


def in_this_network() -> Iterator[Path]:
    """The folders in ``/proc`` of the processes in this process's network namespace."""
    here = os.readlink("/proc/self/ns/net")
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if os.readlink(entry / "ns/net") == here:
                yield entry


def command_line(entry: Path) -> list[bytes]:
    """The words of the process with this folder in ``/proc``; one empty word if it has ended."""
    with suppress(OSError):
        return (entry / "cmdline").read_bytes().split(b"\0")
    return [b""]


def parent_of(entry: Path) -> int:
    """The number of its parent; raises `OSError` if it has ended."""
    return int((entry / "stat").read_bytes().rpartition(b")")[2].split()[1])


def descendants(pid: int) -> dict[int, bytes]:
    """The descendants of a process: the command line of each, by process number.

    Parents come before their children. Empty where there is no ``/proc``.
    """
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError):
            children.setdefault(parent_of(entry), []).append(int(entry.name))
    found, left = dict[int, bytes](), [pid]
    while left:
        for child in children.get(left.pop(), []):
            with suppress(OSError):
                found[child] = Path(f"/proc/{child}/cmdline").read_bytes()
            left.append(child)
    return found


def running(pid: int, program: str) -> int | None:
    """The descendant of a process that runs a program of that name; None if there is none.

    The first one is returned, because its children have the same name until they call exec.
    """
    return next(
        (
            one
            for one, command in descendants(pid).items()
            if PurePath(os.fsdecode(command.partition(b"\0")[0])).name == program
        ),
        None,
    )
