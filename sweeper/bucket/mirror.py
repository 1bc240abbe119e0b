"""The mirror of a bucket: a folder of this machine that holds a copy of its objects.

The folder lies below the user's cache folder. All code reads its files as those of a storage
folder; what is written there is uploaded by `Mirror`. Objects below `SIGNS` coordinate drivers and
workers, those below `DATA` are data sets: they are asked for in the bucket, and have no file.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from analysis.sources.paths import MANIFEST, STATE
from sweeper.bucket.address import parse_address
from sweeper.bucket.index import Held, Index
from sweeper.bucket.objects import Bucket, StoredObject
from sweeper.errors import UserError

__all__ = [
    "DATA",
    "FORMAT_FILE",
    "SIGNS",
    "Mirror",
    "bucket_of",
    "cache_folder",
    "mirror_at",
    "mirror_of",
]

OWN, MARK = ".mirror", "bucket.json"
FORMAT_FILE = "sweeper.json"
SIGNS, DATA = "signs", "data"
TOGETHER = 16  # calls at once
AT_ONCE = 256  # objects between two entries in the index
LATER = 60.0  # seconds until a store that is away is asked for a sign again
ROUNDS = 4  # listings of one refresh, where objects are deleted meanwhile
T = TypeVar("T")
R = TypeVar("R")


class Mirror:
    """The copy of a bucket in a folder, which several processes of this machine may share.

    A file is replaced atomically. The state of a commit, which may be large, is a file of its
    size without content until `fetch` is called.

    Each of the processes may bring the mirror up to date at any time. So whoever writes enters an
    object in the index last, when object and file are there: without that entry, or with one of
    another version, a file is fetched again; with it the file is deleted when its object is gone.
    """

    def __init__(self, folder: Path) -> None:
        mark = json.loads((folder / OWN / MARK).read_bytes())
        self.folder, self.id = folder, str(mark["id"])
        self.address = str(mark["address"])
        self._index = Index(folder / OWN / "index.db")
        self._signs: dict[str, tuple[float, bool]] = {}
        self._refreshed: float | None = None

    @functools.cached_property
    def bucket(self) -> Bucket:
        """The bucket, for calls of long patience: a worker waits for a store that is down."""
        return Bucket(self.address)

    @functools.cached_property
    def hasty(self) -> Bucket:
        """The bucket, for calls that a person or another call waits for."""
        return Bucket(self.address, patience=15.0)

    def key(self, path: Path) -> str:
        """The key of a file of the mirror."""
        return path.relative_to(self.folder).as_posix()

    def sign(self, path: Path) -> str:
        """The key of the sign that has the place of this file; it has no file in the mirror."""
        return f"{SIGNS}/{self.key(path)}"

    def refresh(self, folders: Sequence[Path] = (), patient: bool = False) -> None:
        """Bring these folders up to date, or everything.

        Objects that are new or changed are fetched, and the files of those that were deleted are
        deleted; files that were not uploaded yet stay.
        """
        bucket = self.bucket if patient else self.hasty
        for folder in folders or (self.folder,):
            prefix = "" if folder == self.folder else self.key(folder)
            for _ in range(ROUNDS):
                if self._bring(bucket, prefix):
                    break

    def first_keys(self) -> list[str]:
        """The names of the objects and folders right below the address, as of the last look."""
        return sorted({key.partition("/")[0] for key in self._index.below()})

    def look(self, age_s: float) -> None:
        """Bring everything up to date, unless this process did so at most `age_s` ago."""
        now = time.monotonic()
        if self._refreshed is None or now - self._refreshed > age_s:
            self.refresh()
            self._refreshed = time.monotonic()

    def fetch(self, paths: Iterable[Path]) -> bool:
        """Fetch the contents of those files of which only the size is here.

        False if the object of one of them is gone.
        """
        known = [self._index.below(key).get(key) for key in map(self.key, paths)]
        wanted = [held.key for held in known if held and not held.whole]
        found = _together(self._fetch_one, wanted)
        self._index.enter(filter(None, found))
        return all(found)

    @contextmanager
    def uploaded(self, contents: Iterable[tuple[Path, bytes]]) -> Iterator[None]:
        """Write objects, several at a time; the caller writes the files in the block."""

        def one(content: tuple[Path, bytes]) -> Held:
            key = self.key(content[0])
            return Held(key, self.bucket.put(key, content[1]), len(content[1]))

        held = _together(one, list(contents))
        yield
        self._index.enter(held)

    def upload_files(self, paths: Iterable[Path]) -> None:
        """Upload files that are written already; those that are not there are left out."""
        self._index.enter(_together(self._put_file, [path for path in paths if path.is_file()]))

    @contextmanager
    def uploaded_as(
        self, source: Path, target: Path, last: Sequence[str] = (MANIFEST,)
    ) -> Iterator[None]:
        """Upload a file, or all those of a folder, for the place to which the block moves it.

        last : names of files that are uploaded after the others, in this order.
        """
        files = [path for path in (source, *sorted(source.rglob("*"))) if path.is_file()]

        def one(path: Path) -> Held:
            key = self.key(target / path.relative_to(source))
            return Held(key, self.bucket.put(key, path), path.stat().st_size)

        held = _together(one, [path for path in files if path.name not in last])
        for name in last:
            held += _together(one, [path for path in files if path.name == name])
        yield
        self._index.enter(held)

    def delete(self, folder: Path, last: str = "") -> None:
        """Delete the objects in a folder, and its signs but for a lease, which its holder deletes.

        Manifests go before what they name, the newest as the last of them, so that whoever reads
        meanwhile sees a whole commit or none, and never an older one alone. The caller deletes
        the files then.

        last : the name of the file whose object goes after all others.
        """
        known = sorted(self._index.below(f"{self.key(folder)}/"))
        manifests = [key for key in known if key.endswith(f"/{MANIFEST}")]
        end = [key for key in known if last and key.endswith(f"/{last}")]
        signs = [one.key for one in self.hasty.entries(self.sign(folder))]
        kept = {*manifests, *end, f"{self.sign(folder)}/lease"}
        rest = [key for key in (*known, *signs) if key not in kept]
        for keys in (manifests[:-1], manifests[-1:], rest, end):
            self.hasty.delete(keys)

    def publish(self, folder: Path) -> None:
        """Upload the files of a folder, a manifest last; delete the object of an old one first."""
        manifest = self.key(folder / MANIFEST)
        if manifest in self._index.below(f"{self.key(folder)}/"):
            self._index.drop([manifest])  # first, so that no reader takes it for one to delete
            self.bucket.delete([manifest])
        self.upload_folder(folder)

    def upload_folder(self, folder: Path) -> None:
        """Upload the files of a folder, a manifest last."""
        files = sorted(path for path in folder.iterdir() if path.name[0] != "." and path.is_file())
        last = [path for path in files if path.name == MANIFEST]
        self._index.enter(_together(self._put_file, [path for path in files if path not in last]))
        self._index.enter(map(self._put_file, last))

    def unpublish(self, folder: Path) -> None:
        """Delete the objects in this folder whose files were deleted here.

        A file that a reader has fetched meanwhile keeps its entry, by which the next look finds
        that its object is gone.
        """
        gone = [key for key in self._index.below(f"{self.key(folder)}/") if not self._there(key)]
        self.bucket.delete(gone)
        self._index.drop(gone, self._there)

    def withdraw(self, file: Path) -> None:
        """Delete the object of a file, which the caller deletes then."""
        self.bucket.delete([self.key(file)])

    def unknown(self, folders: Iterable[Path], name: str) -> list[Path]:
        """The folders whose file of this name was written here, and was not uploaded.

        Other processes of this machine bring folders meanwhile. So the index is read after the
        folders were found; and it knows the state of one that is being brought, without content.
        """
        found = [folder for folder in folders if (folder / name).is_file()]
        known = self._index.below()
        empty = {key for key, held in known.items() if not held.whole}
        return [
            folder
            for folder in found
            if self.key(folder / name) not in known and self.key(folder / STATE) not in empty
        ]

    def set_sign(self, path: Path) -> None:
        """Set the sign in place of a file."""
        self.hasty.put(self.sign(path), b"")
        self._signs[self.sign(path)] = time.monotonic(), True

    def clear_sign(self, path: Path) -> None:
        """Remove the sign in place of a file."""
        self.hasty.delete([self.sign(path)])
        self._signs[self.sign(path)] = time.monotonic(), False

    def is_set(self, path: Path, age_s: float = 0.0) -> bool:
        """Whether the sign in place of a file is set, as of at most `age_s` ago.

        A store that cannot be asked has the last answer, and is not asked again for a while.
        """
        key, now = self.sign(path), time.monotonic()
        asked, answer = self._signs.get(key, (now - age_s, False))
        if now - asked >= age_s:
            try:
                answer = self.hasty.find(key) is not None
            except OSError:
                now += LATER
            self._signs[key] = now, answer
        return answer

    def _bring(self, bucket: Bucket, prefix: str) -> bool:
        """One listing, and what it takes; False if an object was gone before it was fetched."""
        below = f"{prefix}/" if prefix else ""
        before = self._index.below(below)
        apart = (f"{SIGNS}/", f"{DATA}/")
        entries = [one for one in bucket.entries(prefix) if not one.key.startswith(apart)]
        wanted = [one for one in entries if not self._is_current(one, before.get(one.key))]
        first = [one for one in wanted if not one.key.endswith(f"/{MANIFEST}")]
        last = [one for one in wanted if one.key.endswith(f"/{MANIFEST}")]
        whole = True
        for part in (first, last):
            for start in range(0, len(part), AT_ONCE):
                some = part[start : start + AT_ONCE]
                found = _together(lambda entry: self._bring_one(bucket, entry), some)
                self._index.enter(one for one in found if one)
                whole = whole and all(found)
        self._forget(below, before, before.keys() - {one.key for one in entries})
        return whole

    def _bring_one(self, bucket: Bucket, entry: StoredObject) -> Held | None:
        """Download an object; of a state whose file is not here, only make one of its size.

        A file that is here is never replaced by one without content: a worker of this machine may
        have written it, and not entered it in the index yet. None if the object is gone, or
        another process has deleted the folder, which it found empty.
        """
        path = self.folder / entry.key
        with suppress(FileNotFoundError):
            if not entry.key.endswith(f"/{STATE}") or path.exists():
                held = self._index.below(entry.key).get(entry.key)  # by now, of another process
                return held if self._is_current(entry, held) else self._download(bucket, entry)
            path.parent.mkdir(parents=True, exist_ok=True)
            staged = _staged(path)
            with staged.open("wb") as file:
                file.truncate(entry.size)
            with suppress(FileExistsError):
                os.link(staged, path)
            staged.unlink()
            return Held(entry.key, entry.tag, entry.size, whole=False)
        return None

    def _fetch_one(self, key: str) -> Held | None:
        entry = self.bucket.find(key)
        return self._download(self.bucket, entry) if entry else None

    def _download(self, bucket: Bucket, entry: StoredObject) -> Held | None:
        path = self.folder / entry.key
        path.parent.mkdir(parents=True, exist_ok=True)
        staged = _staged(path)
        try:
            if not bucket.download(entry, staged):
                return None
            staged.replace(path)
        finally:
            staged.unlink(missing_ok=True)
        return Held(entry.key, entry.tag, entry.size)

    def _is_current(self, entry: StoredObject, held: Held | None) -> bool:
        if held is None or held.tag != entry.tag:
            return False
        try:
            return os.stat(self.folder / entry.key).st_size == entry.size
        except OSError:
            return False

    def _forget(self, below: str, before: Mapping[str, Held], missing: Collection[str]) -> None:
        """Delete the files of objects that were deleted, and the folders that are empty then.

        An object whose entry has changed since `before` is being written by another process; one
        that is written with the same content again is brought by the next refresh.
        """
        now = self._index.below(below) if missing else {}
        gone = [key for key in missing if now.get(key) == before[key]]
        for key in gone:
            with suppress(OSError):
                (self.folder / key).unlink(missing_ok=True)
                (self.folder / key).parent.rmdir()
        if gone:
            self._index.drop(gone, self._there)

    def _put_file(self, path: Path) -> Held:
        key = self.key(path)
        return Held(key, self.bucket.put(key, path), path.stat().st_size)

    def _there(self, key: str) -> bool:
        return (self.folder / key).exists()


def cache_folder() -> Path:
    """The folder for what can be made or fetched again, of this user on this machine."""
    where = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(where).expanduser().absolute() / "sweeper"


def mirror_at(address: str) -> Mirror:
    """The mirror of a bucket's address on this machine, which is made if there is none.

    Raises `UserError` if the address is none, or the cache folder cannot be written.
    """
    plain = str(parse_address(address))
    mark = hashlib.sha256(f"{plain} {socket.gethostname()}".encode()).hexdigest()[:16]
    folder = cache_folder() / "buckets" / mark
    try:
        return _made(folder, plain)
    except OSError as error:
        raise UserError(
            f"the mirror of {plain} cannot be written to {folder}: {error.strerror or error}; set "
            "XDG_CACHE_HOME to a folder with room"
        ) from error


def _made(folder: Path, plain: str) -> Mirror:
    (folder / OWN).mkdir(parents=True, exist_ok=True)
    about = json.dumps({"address": plain, "id": secrets.token_hex(8)})
    staged = _staged(folder / OWN / MARK)
    staged.write_text(about, encoding="utf-8")
    with suppress(FileExistsError):  # of two processes the first one names it
        os.link(staged, folder / OWN / MARK)
    staged.unlink()
    return _opened(folder)


def mirror_of(path: Path) -> Mirror | None:
    """The mirror in which a path lies; None outside of mirrors."""
    folder, inner = os.fspath(path), ""
    while folder != inner:  # of strings: it is asked for each file that is written
        if os.path.isfile(os.path.join(folder, OWN, MARK)):
            return _opened(Path(folder))
        folder, inner = os.path.dirname(folder), folder
    return None


def bucket_of(storage: Path) -> str:
    """The address of the bucket that a storage is on; "" for a folder."""
    mirror = mirror_of(storage)
    return mirror.address if mirror else ""


@functools.lru_cache(maxsize=16)
def _opened(folder: Path) -> Mirror:
    return Mirror(folder)


def _staged(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")


def _together(function: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """The results of a function for each item, computed by several threads."""
    if len(items) < 2:
        return [function(one) for one in items]
    with ThreadPoolExecutor(min(TOGETHER, len(items))) as pool:
        return list(pool.map(function, items))
