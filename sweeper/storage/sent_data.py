"""Files of data sets, which the driver writes to the storage, and each node takes from there once.

``data/<checksum>.tar`` of the storage has the files of one data set. A node keeps them in the
user's cache folder, in ``data/<checksum>/``.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import tarfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from sweeper.bucket.mirror import DATA, cache_folder, mirror_of
from sweeper.storage.paths import data_archive, data_archives
from trainers.datasets import Dataset, FromFiles, data_folder, moved
from trainers.errors import DataError

__all__ = ["drop_data", "fetch_data", "send_data"]


def send_data(storage: Path, dataset: Dataset, checksum: str) -> None:
    """Write the files of a data set to the storage, unless they are there, or it has none.

    Raises `DataError` if a file is missing, and `OSError` if the storage cannot be written.
    """
    archive, mirror = data_archive(storage, checksum), mirror_of(storage)
    there = mirror.hasty.find(mirror.key(archive)) if mirror else archive.is_file()
    if there or not isinstance(dataset, FromFiles):
        return
    root = data_folder(getattr(dataset, dataset.place))
    archive.parent.mkdir(parents=True, exist_ok=True)
    staged = archive.with_name(f".{archive.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with tarfile.open(staged, "w", dereference=True) as stream:
            for path in dataset.files():
                stream.add(path, path.relative_to(root), recursive=False)
        if mirror:
            mirror.bucket.put(mirror.key(archive), staged)
        else:
            staged.replace(archive)
    finally:
        staged.unlink(missing_ok=True)


def drop_data(storage: Path, kept: Collection[str]) -> None:
    """Delete the files of the data sets in the storage but for those with the checksums `kept`."""
    if mirror := mirror_of(storage):
        entries = mirror.hasty.entries(DATA)
        mirror.hasty.delete(one.key for one in entries if Path(one.key).stem not in kept)
    for archive in data_archives(storage):
        if archive.stem not in kept:
            archive.unlink(missing_ok=True)


def fetch_data(storage: Path, dataset: Dataset, checksum: str) -> Dataset:
    """The data set with the files from the storage, which are copied to this node if need be.

    One process of a node copies, and others wait for it. A copy that has not the files of the
    checksum any more is replaced. A data set that has no files is returned as it is. Raises
    `DataError` if the storage has not the files, or not those of the checksum, and `OSError` if
    they cannot be copied.
    """
    if not isinstance(dataset, FromFiles):
        return dataset
    folder = cache_folder() / "data" / checksum
    with _locked(folder):
        if not _is_whole(moved(dataset, folder), checksum):
            shutil.rmtree(folder, ignore_errors=True)
            staged = folder.with_name(f".{checksum}")
            shutil.rmtree(staged, ignore_errors=True)  # of a process that was killed
            try:
                _unpack(storage, checksum, staged)
                _require_same(moved(dataset, staged), storage, checksum)
                staged.rename(folder)
            finally:
                shutil.rmtree(staged, ignore_errors=True)
    return moved(dataset, folder)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _unpack(storage: Path, checksum: str, folder: Path) -> None:
    """Unpack the files of a data set from the storage into a new folder."""
    folder.mkdir()
    archive, mirror = data_archive(storage, checksum), mirror_of(storage)
    if mirror:
        entry = mirror.bucket.find(mirror.key(archive))
        archive = folder / archive.name
        if not entry or not mirror.bucket.download(entry, archive):
            raise _missing(storage, checksum)
    elif not archive.is_file():
        raise _missing(storage, checksum)
    try:
        with tarfile.open(archive, "r:") as stream:
            stream.extractall(folder, filter="data")
    except (tarfile.TarError, EOFError) as error:
        raise _damaged(storage, checksum, str(error)) from error
    if mirror:
        archive.unlink()


def _is_whole(dataset: Dataset, checksum: str) -> bool:
    try:
        return dataset.checksum() == checksum
    except DataError:
        return False


def _require_same(dataset: Dataset, storage: Path, checksum: str) -> None:
    try:
        found = dataset.checksum()
    except DataError as error:
        raise _damaged(storage, checksum, str(error)) from error
    if found != checksum:
        raise _damaged(storage, checksum, f"their checksum is {found}")


def _missing(storage: Path, checksum: str) -> DataError:
    return DataError(f"{_shown(storage, checksum)} is missing, and has the files of the data set")


def _damaged(storage: Path, checksum: str, why: str) -> DataError:
    return DataError(
        f"{_shown(storage, checksum)} has not the files of the data set ({why}); delete it, and "
        "the same command writes it again"
    )


def _shown(storage: Path, checksum: str) -> str:
    mirror, archive = mirror_of(storage), data_archive(storage, checksum)
    return f"{mirror.address}/{mirror.key(archive)}" if mirror else str(archive)
