"""The folder that a sweep was run from, to find its files again after the project was moved."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.sources.tracking_address import sqlite_address, sqlite_path
from sweeper.storage.addresses import recall_password, show_storage
from sweeper.sweep import Sweep

__all__ = ["Home", "describe_home", "stored_home", "stored_tracking"]


@dataclass(frozen=True)
class Home:
    """The base folder of a grid's relative paths, and the storage, at the time of the first run.

    Both are absolute, or the storage is the address of a bucket. If the storage is at another path
    now, it was moved or copied, together with the other files in the folder.
    """

    folder: Path
    storage: Path

    def find(self, path: str | Path, storage: Path) -> Path:
        """The present location of a path of the sweep, given the present `storage`.

        Paths outside the folder are not changed, nor is any path if the storage was not moved.
        """
        asked = self.folder / path
        inside = asked.is_relative_to(self.folder) and self.storage.is_relative_to(self.folder)
        if not inside or _same(self.storage, storage):
            return asked
        return self.now(storage) / asked.relative_to(self.folder)

    def now(self, storage: Path) -> Path:
        """The present location of the folder, given the present `storage`."""
        if _same(self.storage, storage) or not self.storage.is_relative_to(self.folder):
            return self.folder
        return Path(os.path.normpath(storage / os.path.relpath(self.folder, self.storage)))


def describe_home(sweep: Sweep, before: Mapping[str, Any] | None) -> dict[str, str]:
    """The ``home`` entry of ``sweep.json``: that of the first run with this storage path.

    `before` is the present content of ``sweep.json``.
    """
    first = (before or {}).get("home") or {}
    storage = show_storage(sweep.storage)
    if first.get("storage") == storage:
        return dict(first)
    return {"folder": str(sweep.folder), "storage": storage}


def stored_home(row: Mapping[str, Any], storage: Path) -> Home:
    """The home of a stored sweep; if it has none, the parent folder of the storage."""
    stored = row.get("home") or {"folder": storage.parent, "storage": storage}
    return Home(Path(stored["folder"]), Path(stored["storage"]))


def stored_tracking(row: Mapping[str, Any], storage: Path) -> str:
    """The present address of a stored sweep's tracking store.

    A SQLite file is assumed to move with its project. The store of the original is never returned
    for a copy of the sweep.
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
    """Whether the SQLite file is gone, or lies beside another storage with the same sweep.

    Used to recognise moved or copied sweeps that have no stored home.
    """
    if not path.exists():
        return (storage.parent / path.name).exists() or not path.parent.is_dir()
    sweep = Path("sweeps", str(row["experiment"]), str(row["sweep"]), "sweep.json")
    other = path.parent / storage.name
    return (other / sweep).is_file() and not _same(other, storage)


def _same(one: Path, other: Path) -> bool:
    return one == other or os.path.realpath(one) == os.path.realpath(other)
