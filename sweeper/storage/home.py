"""Where a sweep was run from, so that its paths are found again after its project was moved."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.sources.tracking_address import sqlite_address, sqlite_path
from sweeper.storage.addresses import recall_password
from sweeper.sweep import Sweep

__all__ = ["Home", "describe_home", "stored_home", "stored_tracking"]


@dataclass(frozen=True)
class Home:
    """The folder that a grid's relative paths are relative to, and the storage, as they were.

    Both are absolute. A storage that lies elsewhere now was moved or copied, and what lies in the
    folder with it was so, too.
    """

    folder: Path
    storage: Path

    def find(self, path: str | Path, storage: Path) -> Path:
        """Where a path of the sweep lies, now that its storage is `storage`.

        Paths outside the folder stay as they are, and all do where the storage was not moved.
        """
        asked = self.folder / path
        inside = asked.is_relative_to(self.folder) and self.storage.is_relative_to(self.folder)
        if not inside or _same(self.storage, storage):
            return asked
        return self.now(storage) / asked.relative_to(self.folder)

    def now(self, storage: Path) -> Path:
        """The folder itself, now that its storage is `storage`."""
        if _same(self.storage, storage) or not self.storage.is_relative_to(self.folder):
            return self.folder
        return Path(os.path.normpath(storage / os.path.relpath(self.folder, self.storage)))


def describe_home(sweep: Sweep, before: Mapping[str, Any] | None) -> dict[str, str]:
    """What ``sweep.json`` says of the home: that of the first run with its storage there."""
    first = (before or {}).get("home") or {}
    if first.get("storage") == str(sweep.storage):
        return dict(first)
    return {"folder": str(sweep.folder), "storage": str(sweep.storage)}


def stored_home(row: Mapping[str, Any], storage: Path) -> Home:
    """The home of a stored sweep; for one that says none, the folder around the storage."""
    stored = row.get("home") or {"folder": storage.parent, "storage": storage}
    return Home(Path(stored["folder"]), Path(stored["storage"]))


def stored_tracking(row: Mapping[str, Any], storage: Path) -> str:
    """The address of the tracking store that a stored sweep writes to now.

    A SQLite file moves with its project. The store that belongs to another copy of the sweep is
    never named.
    """
    uri = recall_password(str(row["tracking_uri"]))
    path = sqlite_path(uri)
    if path is None:
        return uri
    if row.get("home"):
        return sqlite_address(stored_home(row, storage).find(path, storage))
    beside = storage.parent / path.name
    return sqlite_address(beside if _belongs_elsewhere(row, path, storage) else path)


def _belongs_elsewhere(row: Mapping[str, Any], path: Path, storage: Path) -> bool:
    """Whether the file is gone, or lies beside another storage that has the sweep, too.

    The only hint of a sweep that did not say where its home is.
    """
    if not path.exists():
        return (storage.parent / path.name).exists() or not path.parent.is_dir()
    sweep = Path("sweeps", str(row["experiment"]), str(row["sweep"]), "sweep.json")
    other = path.parent / storage.name
    return (other / sweep).is_file() and not _same(other, storage)


def _same(one: Path, other: Path) -> bool:
    return one == other or os.path.realpath(one) == os.path.realpath(other)
