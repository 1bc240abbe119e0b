"""Files that a driver appends to, such as the journal of a search.

A file of a mirror may be replaced by whoever looks at the bucket. So a driver whose storage is on
a bucket appends to a copy, and writes the file as a whole by what the copy holds.
"""

from __future__ import annotations

from pathlib import Path

from sweeper.bucket.mirror import mirror_of

__all__ = ["appended", "begin_appending"]


def appended(file: Path) -> Path:
    """Where the driver appends to a file: to the file itself, or to its copy."""
    return file.with_name(f".{file.name}") if mirror_of(file.parent) else file


def begin_appending(file: Path) -> Path:
    """The same, with the present content of the file."""
    place = appended(file)
    if place != file:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.read_bytes() if file.is_file() else b"")
    return place
