"""Sweeps in one ``.tar.gz`` file, laid out as a storage folder, and back into a storage.

The archive holds all that the sweeps need: their trials, those that other sweeps share too, the
components and the facts about data sets that they name, and the report. Leases, stop signs and
the reference classifiers of data sets are left out.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from sweeper.errors import UserError
from sweeper.removal.belongings import Belongings, files_in
from sweeper.storage import paths
from sweeper.storage.addresses import show_storage
from sweeper.storage.attempts import bring_contents, delete_objects, uploaded_as
from sweeper.storage.lease import hold_lease
from sweeper.storage.stored_files import read_sweep
from trainers.commit_format import MANIFEST

__all__ = ["Restored", "restore", "write_archive"]

PASSING = ("lease", "stop", "nonce", "running.json")
PARTS = ("sweeps", "trials", "programs", "components", "datasets")
CHUNK = 1 << 20


@dataclass(frozen=True)
class Restored:
    """What was brought back: the names of sweeps, and how many trials.

    present : the trials that the storage had already; they stay as they are.
    """

    sweeps: tuple[tuple[str, str], ...]
    trials: int
    present: int


def write_archive(belongings: Belongings, file: Path) -> int:
    """Write the archive, compare it with the storage byte for byte, and return its size.

    Raises `UserError` if the file exists or cannot be written.
    """
    _require_new(file)
    storage = belongings.storage
    with _said(file), tempfile.TemporaryDirectory(dir=file.parent, prefix=f".{file.name}.") as own:
        staged = Path(own) / file.name
        sums: dict[str, str] = {}
        chosen = list(_chosen(belongings))
        if not bring_contents(chosen):
            raise _has_changed()
        with tarfile.open(staged, "w:gz", compresslevel=3) as archive:
            for path in chosen:
                name = path.relative_to(storage).as_posix()
                with path.open("rb") as stream:
                    sums[name] = _sum(stream)
                archive.add(path, name, recursive=False)
        _compare(staged, sums)
        with staged.open("rb") as written:
            os.fsync(written.fileno())
        _require_new(file)  # minutes may have passed
        staged.rename(file)
    return file.stat().st_size


def _require_new(file: Path) -> None:
    if os.path.lexists(file):
        raise UserError(f"{file} exists; choose another file with --out")


def restore(file: Path, storage: Path) -> Restored:
    """Bring the sweeps of an archive into a storage; a killed restore goes on when repeated.

    Raises `UserError` if the file is not such an archive, or the storage has one of its sweeps.
    """
    storage.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=storage, prefix=".restore.") as own:
        place = Path(own)
        _unpack(file, place)
        sweeps = [(row["experiment"], row["sweep"]) for row in _rows(file, place)]
        for experiment, name in sweeps:
            if paths.sweep_file_in(paths.sweep_folder_of(storage, experiment, name)).is_file():
                raise UserError(
                    f"the storage {show_storage(storage)} has the sweep {name} already; remove "
                    "that one first, or choose another storage with --storage"
                )
        trials = _move_trials(place, storage)
        for path in list(files_in([place / part for part in ("programs", *PARTS[3:])])):
            _move(path, storage / path.relative_to(place))
        for experiment, name in sweeps:
            _move_sweep(place, storage, experiment, name)
        for report in place.glob("sweeps/*/report"):
            if not os.path.lexists(there := storage / report.relative_to(place)):
                _move_here(report, there)
    return Restored(tuple(sweeps), *trials)


def _chosen(belongings: Belongings) -> Iterator[Path]:
    """The files of the archive."""
    storage, trials = belongings.storage, {*belongings.trials, *belongings.shared}
    folders = [paths.trial_folder(storage, trial) for trial in sorted(trials)]
    named = ""
    for path in files_in([*folders, *belongings.report_folders, *belongings.sweep_folders]):
        parts = path.relative_to(storage).parts
        if path.is_symlink() or path.name in PASSING or parts[3:4] in (("tune",), ("leaving",)):
            continue
        if path.name in ("trial.json", "sweep.json"):
            named += path.read_text(encoding="utf-8")
        yield path
    yield from (path for path in sorted(storage.glob("programs/*/*")) if path.name in trials)
    shared = [*storage.glob("components/*.py"), *storage.glob("datasets/*.json")]
    yield from (path for path in sorted(shared) if path.stem in named)


def _compare(archive: Path, sums: dict[str, str]) -> None:
    """Raise `UserError` unless the archive holds these files with these SHA-256 sums."""
    with tarfile.open(archive) as stream:
        found = {}
        for member in stream:
            content = stream.extractfile(member)
            if content is not None:
                found[member.name] = _sum(content)
    if found != sums:
        raise _has_changed()


def _has_changed() -> UserError:
    return UserError(
        "the storage changed while the archive was written, and nothing was removed; end what "
        "writes there, and try again"
    )


def _sum(stream: IO[bytes]) -> str:
    found = hashlib.sha256()
    while chunk := stream.read(CHUNK):
        found.update(chunk)
    return found.hexdigest()


def _unpack(file: Path, place: Path) -> None:
    """Unpack regular files and folders of a storage; whatever else there is, is refused."""
    try:
        with tarfile.open(file) as archive:
            for member in archive:
                top = PurePosixPath(member.name).parts[:1]
                if not member.isfile() or top not in {(part,) for part in PARTS}:
                    raise _no_archive(file, f"it holds {member.name}")
                archive.extract(member, place, filter="data")
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _no_archive(file, str(error)) from error
    except OSError as error:
        raise UserError(
            f"{file} cannot be unpacked into {place.parent}: {error.strerror or error}"
        ) from error


def _rows(file: Path, place: Path) -> Iterator[dict[str, Any]]:
    found = [row for path in paths.sweep_files(place) if (row := read_sweep(path))]
    if not found:
        raise _no_archive(file, "no sweep is in it")
    yield from found


def _no_archive(file: Path, why: str) -> UserError:
    return UserError(f"{file} is no whole archive of `sweeper archive` ({why})")


def _move_trials(place: Path, storage: Path) -> tuple[int, int]:
    """Move the trials that the storage has not; returns how many there were, and were present."""
    folders = sorted((place / "trials").glob("*"))
    present = 0
    for folder in folders:
        there = paths.trial_folder(storage, folder.name)
        if paths.trial_file(storage, folder.name).is_file():
            present += 1
        else:
            delete_objects(there)  # what was never a whole trial
            shutil.rmtree(there, ignore_errors=True)
            _move(folder, there)
    return len(folders), present


def _move_sweep(place: Path, storage: Path, experiment: str, name: str) -> None:
    """Move a sweep's files under its lease, the one that makes it known last."""
    folder = paths.sweep_folder_of(storage, experiment, name)
    source = paths.sweep_folder_of(place, experiment, name)
    last = paths.sweep_file_in(source)
    with hold_lease(folder):
        for entry in sorted(source.iterdir(), key=lambda entry: entry == last):
            _move(entry, folder / entry.name)


def _move(source: Path, target: Path) -> None:
    """Move to the storage, in a bucket too; what is there already stays.

    By its `trial.json` a trial is there, so that it is uploaded last.
    """
    if not os.path.lexists(target):
        with uploaded_as(source, target, (MANIFEST, "trial.json")):
            _move_here(source, target)


def _move_here(source: Path, target: Path) -> None:
    """Rename within the storage folder, over what a reader has fetched of it meanwhile."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        source.rename(target)
    except OSError:
        if not target.is_dir():
            raise
        for entry in list(source.iterdir()):
            _move_here(entry, target / entry.name)


@contextmanager
def _said(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(
            f"the archive {file} cannot be written: {error.strerror or error}; nothing was "
            "removed; choose another file with --out"
        ) from error
