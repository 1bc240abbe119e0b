"""Which programs of this user's Ray and MLflow accept connections, and from where; and which of
its folders others can enter.
"""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePath

from cluster.processes import command_line, in_this_network

__all__ = ["Door", "open_dashboards", "open_doors", "open_folders", "without_token"]

LISTENS = "0A"  # the state of such a socket in the kernel's table
PROGRAMS = {
    "gcs_server": "gcs_server",
    "raylet": "raylet",
    "dashboard.py": "dashboard",
    "agent.py": "agent",
    "main.py": "agent",
    "mlflow": "MLflow",
}
RAY = ("gcs_server", "raylet")
HOST = b"--host="  # of a dashboard
FOLDER = b"--temp_dir="  # of a raylet
OTHERS, ENTER = stat.S_IRWXG | stat.S_IRWXO, stat.S_IXGRP | stat.S_IXOTH


@dataclass(frozen=True)
class Door:
    """A socket on which a program listens."""

    program: str
    address: str
    port: int


def open_doors() -> list[Door]:
    """The sockets of this user's Ray and MLflow, by program and port."""
    tables = [Path("/proc/self/net/tcp"), Path("/proc/self/net/tcp6")]
    sockets = {inode: place for table in tables for inode, place in _listening(table)}
    found = {
        Door(name, *sockets[inode])
        for entry in _own_processes()
        if (name := _program(entry))
        for inode in _sockets(entry)
        if inode in sockets
    }
    return sorted(found, key=lambda door: (door.program, door.port, door.address))


def open_dashboards() -> list[str]:
    """The addresses beyond this machine at which dashboards of this user's Rays are shown.

    By their command lines, as they have other sockets, too, which ask for the token.
    """
    flags = [
        os.fsdecode(word.removeprefix(HOST))
        for entry in _own_processes()
        if _program(entry) == "dashboard"
        for word in command_line(entry)
        if word.startswith(HOST)
    ]
    return [host for host in flags if host not in ("localhost", "127.0.0.1", "::1")]


def open_folders() -> list[Path]:
    """The folders of this user's Rays that others can enter; they may also write there.

    Ray gives everybody all rights to its folder, so that one above it must be private.
    """
    named = {
        Path(os.fsdecode(word.removeprefix(FOLDER)))
        for entry in _own_processes()
        if _program(entry) == "raylet"
        for word in command_line(entry)
        if word.startswith(FOLDER)
    }
    return sorted(filter(_is_open, named))


def _is_open(folder: Path) -> bool:
    """Whether others have rights to a folder, and to enter all folders above it."""
    with suppress(OSError):
        above = all(one.stat().st_mode & ENTER for one in folder.parents)
        return above and bool(folder.stat().st_mode & OTHERS)
    return False


def without_token() -> bool:
    """Whether a Ray of this user runs that does not ask for a token."""
    for entry in _own_processes():
        if _program(entry) in RAY:
            with suppress(OSError):
                if b"RAY_AUTH_MODE=token" not in (entry / "environ").read_bytes().split(b"\0"):
                    return True
    return False


def _own_processes() -> Iterator[Path]:
    """The processes of this user in this network namespace."""
    for entry in in_this_network():
        with suppress(OSError):
            if entry.stat().st_uid == os.getuid():
                yield entry


def _program(entry: Path) -> str | None:
    """The name of a program of Ray or MLflow; workers are those whose title begins with ray::."""
    words = command_line(entry)
    if words[0].startswith(b"ray::"):
        return "worker"
    names = [PurePath(os.fsdecode(word)).name for word in words[:6]]
    ours = b"/ray/" in b" ".join(words) or "mlflow" in names
    return next((PROGRAMS[name] for name in names if name in PROGRAMS), None) if ours else None


def _sockets(entry: Path) -> Iterator[str]:
    """The inodes of a process's sockets."""
    for file in (entry / "fd").glob("*"):
        with suppress(OSError):
            target = os.readlink(file)
            if target.startswith("socket:["):
                yield target[8:-1]


def _listening(table: Path) -> Iterator[tuple[str, tuple[str, int]]]:
    """The listening sockets of a table of the kernel: inode, and address with port."""
    with suppress(OSError):
        for line in table.read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTENS:
                address, _, port = fields[1].partition(":")
                yield fields[9], (_readable(address), int(port, 16))


def _readable(address: str) -> str:
    """An address of the kernel's table, whose 32-bit words are in the machine's byte order."""
    words = [bytes.fromhex(address[at : at + 8])[::-1] for at in range(0, len(address), 8)]
    family = socket.AF_INET if len(words) == 1 else socket.AF_INET6
    return socket.inet_ntop(family, b"".join(words))
