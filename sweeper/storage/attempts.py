"""Attempts and commits of trials, also where the storage is on a bucket.

`trainers.checkpoint` writes commits to a folder. On a bucket, the number of an attempt is claimed
by an object of its own, and a commit is uploaded before it is reported.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sweeper.bucket.mirror import Mirror, mirror_of
from sweeper.storage import paths
from sweeper.storage.lease import is_held_here
from trainers import checkpoint
from trainers.checkpoint import Attempt, Commit
from trainers.commit_format import MANIFEST, STATE

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "begin_attempt",
    "bring_all",
    "bring_contents",
    "bring_folder",
    "bring_trial",
    "delete_objects",
    "load_state",
    "newest_attempt",
    "publish",
    "publish_file",
    "uploaded_as",
    "withdraw",
]


def begin_attempt(trial: Path) -> Attempt:
    """Start a new attempt at the trial in a folder, numbered above all others of any machine."""
    mirror = mirror_of(trial)
    if mirror is None:
        return checkpoint.open_attempt(trial)
    number = newest_attempt(trial) + 1
    content = f"{socket.gethostname()} {secrets.token_hex(8)}".encode()
    while mirror.bucket.create(_mark(mirror, trial, number), content) is None:
        number += 1
    folder = trial / f"{number:04d}"
    folder.mkdir(parents=True, exist_ok=True)
    return Attempt(folder)


def newest_attempt(trial: Path) -> int:
    """The number of the newest attempt at the trial in a folder; 0 if there is none."""
    names = [path.name for path in trial.glob("[0-9]*")]
    if mirror := mirror_of(trial):
        names += mirror.bucket.names(mirror.sign(trial))
    return max((int(name) for name in names if name.isdecimal()), default=0)


def publish(commit: Commit) -> None:
    """Upload a commit, its manifest last, and delete the ones that were pruned."""
    if mirror := mirror_of(commit.folder):
        mirror.publish(commit.folder)
        mirror.unpublish(commit.folder.parent)


def publish_file(path: Path) -> None:
    """Upload a file that was written without `sweeper.storage.ledger`, if it is there."""
    if mirror := mirror_of(path.parent):
        mirror.upload_files([path])


def withdraw(file: Path) -> None:
    """Delete a file, and its object in the bucket."""
    if mirror := mirror_of(file.parent):
        mirror.withdraw(file)
    file.unlink(missing_ok=True)


def delete_objects(folder: Path, last: str = "") -> None:
    """Delete the objects of a folder whose files the caller deletes then; see `Mirror.delete`."""
    if mirror := mirror_of(folder):
        mirror.delete(folder, last)


def uploaded_as(
    source: Path, target: Path, last: Sequence[str] = (MANIFEST,)
) -> AbstractContextManager[None]:
    """Upload what the block moves to `target`; see `Mirror.uploaded_as`."""
    mirror = mirror_of(target.parent)
    return mirror.uploaded_as(source, target, last) if mirror else nullcontext()


def bring_contents(files: Sequence[Path]) -> bool:
    """Fetch the contents of files of which only the size is here; False if one is gone."""
    mirror = mirror_of(files[0]) if files else None
    return mirror is None or mirror.fetch(files)


def bring_all(storage: Path) -> None:
    """Bring a mirror up to date, and upload what killed workers of this machine had not yet.

    The trials of a driver that runs here are left alone, as far as it has claimed them: its
    workers upload what they have saved.
    """
    if mirror := mirror_of(storage):
        mirror.refresh(patient=True)
        manifests = paths.commit_manifests(mirror.folder)
        for folder in mirror.unknown((path.parent for path in manifests), MANIFEST):
            if not is_held_here(folder.parents[1]):
                with suppress(FileNotFoundError):  # a worker lives, and has deleted it as old
                    mirror.upload_folder(folder)


def load_state(commit: Commit) -> dict[str, Tensor]:
    """The state of a commit, which is fetched first if only its size is here.

    Raises `ResumeError` if the file is not the one that was saved.
    """
    if mirror := mirror_of(commit.folder):
        mirror.fetch([commit.folder / STATE])
    return commit.load()


def bring_folder(folder: Path) -> None:
    """Bring a folder, such as that of a sweep, up to date from the bucket."""
    if mirror := mirror_of(folder):
        mirror.refresh([folder])


def bring_trial(storage: str | Path, trial: str, lineage: str = "", source: str = "") -> None:
    """Bring a trial up to date from the bucket, with those of its lineage and its source."""
    mirror = mirror_of(Path(storage))
    if mirror is None:
        return
    folders = [paths.trial_folder(storage, one) for one in (trial, source) if one]
    if lineage:
        family = paths.lineage_folder(storage, lineage)
        mirror.refresh([family], patient=True)
        others = (path.name for path in family.glob("[0-9a-z]*"))
        folders += [paths.trial_folder(storage, one) for one in others if one != trial]
    mirror.refresh(folders, patient=True)


def _mark(mirror: Mirror, trial: Path, number: int) -> str:
    return f"{mirror.sign(trial)}/{number:04d}"
