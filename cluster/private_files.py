"""Files with secrets, which only their owner can read."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

__all__ = ["others_can_read", "private_text", "repair", "write_private"]

OWNER_ONLY = 0o600


def private_text(path: Path, new: str) -> str:
    """The text of a file that nobody else can read; the file is made with `new` if there is none.

    An existing file that others can read is made private.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
        try:
            with open(descriptor, "w", encoding="utf-8") as file:
                file.write(new)
        except OSError:  # a full disk: an empty secret would be taken ever after
            path.unlink(missing_ok=True)
            raise
        return new
    repair(path)
    return path.read_text(encoding="utf-8").strip()


def write_private(path: Path, text: str) -> None:
    """Replace a file, in one step, by one that nobody else can read."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    private_text(unfinished, text)
    unfinished.replace(path)


def repair(path: Path) -> None:
    """Let only the owner read and write the file."""
    if others_can_read(path):
        path.chmod(OWNER_ONLY)


def others_can_read(path: Path) -> bool:
    """Whether others than its owner have any right to the file."""
    return bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))
