"""The objects of a bucket below a prefix, through obstore, with conditional writes.

Credentials, region and endpoint come from the environment (``AWS_*``, ``GOOGLE_*``, ``AZURE_*``)
or from the cloud's own files. obstore is imported only here.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from sweeper.bucket.address import BucketAddress, parse_address
from sweeper.bucket.credentials import s3_settings
from sweeper.bucket.store_errors import complaint, lacks_bucket, odd_setting, unread
from sweeper.errors import UserError

if TYPE_CHECKING:
    from obstore.store import ObjectStore

__all__ = ["Bucket", "StoredObject", "Tag", "Version"]

PART = 16 * 2**20  # bytes that one answer holds at most
ENDPOINTS = {  # variables
    "s3": "AWS_ENDPOINT_URL",
    "gs": "GOOGLE_BASE_URL",
    "az": "AZURE_STORAGE_ENDPOINT",
}
PAUSE, LONGEST_PAUSE = 0.2, 5.0  # seconds between two tries
T = TypeVar("T")
Tag = Mapping[str, str]  # what a conditional write names: the e-tag, and Google's version


@dataclass(frozen=True)
class StoredObject:
    """An object in a listing; `tag` is its e-tag."""

    key: str
    size: int
    tag: str
    time: datetime


@dataclass(frozen=True)
class Version:
    """What an object holds, and the tag of this version of it."""

    content: bytes
    tag: Tag


class Bucket:
    """The objects below one address such as ``s3://bucket/prefix``; keys are relative to it.

    Parameters
    ----------
    patience : seconds for which a call is repeated while the store fails or does not answer.

    Raises `UserError` for credentials or settings that cannot be read; every method raises
    `BucketError`, an `OSError`, if the store cannot be used.
    """

    def __init__(self, address: str, patience: float = 600.0) -> None:
        self.address = parse_address(address)
        self._store = _open(self.address, patience)
        self._patience = patience

    def entries(self, prefix: str = "") -> list[StoredObject]:
        """The objects in the folder `prefix` and below it."""
        import obstore

        rows = self._repeated(
            lambda: [row for page in obstore.list(self._store, prefix or None) for row in page]
        )
        return [
            StoredObject(row["path"], row["size"], _plain(row["e_tag"]), row["last_modified"])
            for row in rows
        ]

    def names(self, prefix: str = "") -> list[str]:
        """The names of the folders and objects directly in the folder `prefix`."""
        import obstore

        found = self._repeated(lambda: obstore.list_with_delimiter(self._store, prefix or None))
        keys = [*found["common_prefixes"], *(row["path"] for row in found["objects"])]
        return sorted(key.rstrip("/").rpartition("/")[2] for key in keys)

    def find(self, key: str) -> StoredObject | None:
        """The object of a key, without its content; None if there is none."""
        import obstore

        with suppress(FileNotFoundError):
            row = self._repeated(lambda: obstore.head(self._store, key))
            return StoredObject(key, row["size"], _plain(row["e_tag"]), row["last_modified"])
        return None

    def get(self, key: str) -> Version | None:
        """An object's content with its tag; None if there is none."""
        import obstore

        def call() -> Version:
            found = obstore.get(self._store, key)
            return Version(bytes(found.bytes()), _tag(found.meta))

        with suppress(FileNotFoundError):
            return self._repeated(call)
        return None

    def download(self, entry: StoredObject, path: Path) -> bool:
        """Write an object to a file, in parts; False if it is gone or has another size now."""
        import obstore

        if entry.size <= PART:
            there = self.get(entry.key)
            path.write_bytes(there.content if there else b"")
            return there is not None and len(there.content) == entry.size
        with path.open("wb") as file, suppress(FileNotFoundError):
            for start in range(0, entry.size, PART):
                end = min(start + PART, entry.size)
                ask = partial(obstore.get_range, self._store, entry.key, start=start, end=end)
                file.write(self._repeated(ask))
        return path.stat().st_size == entry.size

    def put(self, key: str, content: bytes | Path) -> str:
        """Write an object, whether there is one or not; returns its e-tag.

        A large one is uploaded in parts. Stores answer that there is no such upload where its end
        was done and not heard of, and is asked for again: then all of it is written once more.
        """
        import obstore

        def call() -> Mapping[str, Any]:
            try:
                return obstore.put(self._store, key, content)
            except FileNotFoundError as error:
                if lacks_bucket(error):
                    raise
                return obstore.put(self._store, key, content)

        return _plain(self._repeated(call)["e_tag"])

    def delete(self, keys: Iterable[str]) -> None:
        """Delete objects, in this order; those that are not there are no error."""
        import obstore

        if not (doomed := list(keys)):
            return
        try:
            self._repeated(lambda: obstore.delete(self._store, doomed))
        except FileNotFoundError:  # Google and Azure end there
            for key in doomed:
                with suppress(FileNotFoundError):
                    self._repeated(partial(obstore.delete, self._store, [key]))

    def create(self, key: str, content: bytes) -> Tag | None:
        """Write an object that is not there yet; None if there is another one.

        The content must be this caller's alone: an object with this very content is its own, of
        which the store's answer was lost.
        """
        return self._conditional(key, content, "create")

    def update(self, key: str, content: bytes, tag: Tag) -> Tag | None:
        """Replace the version with this tag; None if it was replaced or deleted meanwhile.

        The content must be this caller's alone, as for `create`.
        """
        return self._conditional(key, content, dict(tag))

    def _conditional(self, key: str, content: bytes, mode: Any) -> Tag | None:
        import obstore
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        try:
            return _tag(self._repeated(lambda: obstore.put(self._store, key, content, mode=mode)))
        except (AlreadyExistsError, PreconditionError, FileNotFoundError):
            there = self.get(key)
            return there.tag if there and there.content == content else None

    def _repeated(self, call: Callable[[], T]) -> T:
        """The result of a call, which is repeated while it fails for another reason than below.

        Raises FileNotFoundError for an object that is not there, AlreadyExistsError and
        PreconditionError for a condition that does not hold, and `BucketError` for all else.
        """
        from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError

        until, pause = time.monotonic() + self._patience, PAUSE
        while True:
            try:
                return call()
            except (AlreadyExistsError, PreconditionError):
                raise
            except (BaseError, OSError) as error:
                if isinstance(error, FileNotFoundError) and not lacks_bucket(error):
                    raise
                said = complaint(self.address, error)
                if said.lasting or time.monotonic() > until:
                    raise said from error
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)


def _plain(tag: str | None) -> str:
    """An e-tag without quotation marks, which Azure leaves out in listings."""
    return (tag or "").strip('"')


def _tag(row: Mapping[str, Any]) -> Tag:
    return {name: str(row[name]) for name in ("e_tag", "version") if row.get(name) is not None}


def _open(address: BucketAddress, patience: float) -> ObjectStore:
    try:
        from obstore.exceptions import BaseError
        from obstore.store import AzureStore, GCSStore, S3Store
    except ImportError as error:
        raise UserError(
            f"a storage such as {address} takes obstore; install it with: "
            "pip install 'sweeper[cloud]'"
        ) from error
    retries = {"max_retries": 2, "retry_timeout": timedelta(seconds=min(patience, 10.0))}
    client = {"timeout": f"{max(5, min(60, round(patience)))}s", "connect_timeout": "5s"}
    settings = s3_settings() if address.scheme == "s3" else {}
    variable = ENDPOINTS[address.scheme]
    endpoint = settings.get("endpoint") or os.environ.get(variable, "")
    if said := odd_setting(address, variable, endpoint, settings.get("region", "")):
        raise UserError(said)
    plain = {"allow_http": True} if endpoint.startswith("http:") else {}
    options: dict[str, Any] = {
        "prefix": address.prefix or None,
        "retry_config": cast("Any", retries),
        "client_options": cast("Any", client | plain),
    }
    try:
        if address.scheme == "gs":
            return GCSStore(address.bucket, **options)
        if address.scheme == "az":
            return AzureStore(address.bucket, **options)
        return S3Store(address.bucket, config=cast("Any", settings), **options)
    except BaseError as error:  # of credentials that cannot be read
        raise UserError(unread(address, error)) from error
