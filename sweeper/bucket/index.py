"""What a mirror holds of its bucket: a SQLite file that several processes of a machine share."""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Held", "Index"]

PATIENCE = 60.0  # seconds to wait for another process
TABLE = (
    "CREATE TABLE IF NOT EXISTS held "
    "(key TEXT PRIMARY KEY, tag TEXT, size INTEGER, whole INTEGER) WITHOUT ROWID"
)
NEXT = "\U0010ffff"  # sorts after every character of a key


@dataclass(frozen=True)
class Held:
    """An object whose file is in the mirror.

    tag : its e-tag. whole : whether the file has its content; otherwise only its size.
    """

    key: str
    tag: str
    size: int
    whole: bool = True


class Index:
    """The objects that are known to be in the mirror, by key."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._open()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            for ending in ("", "-wal", "-shm"):  # damaged; what it knew is asked of the bucket
                path.with_name(path.name + ending).unlink(missing_ok=True)
            self._open()

    def below(self, prefix: str = "") -> dict[str, Held]:
        """The objects whose keys begin with `prefix`."""
        with self._database() as database:
            rows = database.execute(
                "SELECT key, tag, size, whole FROM held WHERE key >= ? AND key < ?",
                (prefix, prefix + NEXT),
            ).fetchall()
        return {key: Held(key, tag, size, bool(whole)) for key, tag, size, whole in rows}

    def enter(self, held: Iterable[Held]) -> None:
        """Enter objects, in place of what was known of their keys."""
        rows = [(one.key, one.tag, one.size, one.whole) for one in held]
        with self._database() as database:
            database.executemany("INSERT OR REPLACE INTO held VALUES (?, ?, ?, ?)", rows)

    def drop(self, keys: Iterable[str], kept: Callable[[str], bool] = lambda _: False) -> None:
        """Forget objects, but for those that are `kept`, which is asked while nobody writes."""
        with self._database() as database:
            database.execute("BEGIN IMMEDIATE")
            rows = [(key,) for key in keys if not kept(key)]
            database.executemany("DELETE FROM held WHERE key = ?", rows)

    def _open(self) -> None:
        """Make the file if there is none; raises `sqlite3.DatabaseError` for a damaged one.

        It is made under another name: who changes the mode of a file that another process is
        making gets an error, and does not wait.
        """
        if not self._path.exists():
            staged = self._path.with_name(f".{self._path.name}.{secrets.token_hex(4)}")
            with closing(sqlite3.connect(staged)) as database, database:
                database.execute("PRAGMA journal_mode = WAL")
                database.execute(TABLE)
            with suppress(FileExistsError):
                os.link(staged, self._path)
            staged.unlink()
        with self._database() as database:
            database.execute(TABLE)

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=PATIENCE)) as database, database:
            database.execute("PRAGMA synchronous = NORMAL")
            yield database
