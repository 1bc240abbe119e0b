"""Commits: a trial's state and its metric records, saved together or not at all.

Layout: ``<trial>/<attempt>/<epoch>/{state.safetensors, records.json, manifest.json}``. A commit
is written under another name and renamed when it is complete, and is not changed afterwards. Its
manifest is written last and states the size and SHA-256 of the other files; readers ignore a
commit whose manifest does not match them (see `trainers.commit_format`). Each start of a trial is
an attempt with its own number; the commits of older attempts are used only if the newer attempts
have none.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from safetensors import SafetensorError

from trainers.commit_format import (
    MANIFEST,
    RECORDS,
    SCHEMA,
    STATE,
    EncodedRecords,
    decode_records,
    read_manifest,
)
from trainers.errors import ResumeError
from trainers.record import Record

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Attempt", "Commit", "Progress", "commits", "latest", "open_attempt"]

KEPT = 2
Status = Literal["running", "pruned", "finished", "failed"]
REPEATS = ("diverged", "refused")


@dataclass(frozen=True)
class Progress:
    """How far a trial is; `wall_s` is its training time in seconds over all attempts.

    `kind` classifies a failure where that is known: ``diverged`` (a metric is not finite) and
    ``refused`` (its components cannot be combined) would recur in another attempt. A ``pruned``
    trial was stopped early by a search, and can continue from its last commit.
    """

    epoch: int
    step: int
    status: Status
    reason: str | None = None
    wall_s: float = 0.0
    kind: str | None = None

    @property
    def repeats(self) -> bool:
        """Whether it is a failure that would recur if the trial were trained again."""
        return self.status == "failed" and self.kind in REPEATS


@dataclass(frozen=True)
class Commit:
    """A valid commit, as its manifest describes it."""

    folder: Path
    manifest: Mapping[str, Any]

    @property
    def attempt(self) -> int:
        return int(self.manifest["attempt"])

    @property
    def progress(self) -> Progress:
        return Progress(
            **{
                name: self.manifest[name]
                for name in Progress.__dataclass_fields__
                if name in self.manifest
            }
        )

    @property
    def place(self) -> str:
        """``<attempt>/<epoch>``, by which a later commit names its parent."""
        return f"{self.folder.parent.name}/{self.folder.name}"

    def records(self) -> list[Record]:
        """The records of all epochs up to this commit; raises `ResumeError` if damaged."""
        return decode_records(self._verified(RECORDS))

    def load(self) -> dict[str, Tensor]:
        """The state; raises `ResumeError` if the file is not the one that was saved."""
        import safetensors.torch  # and torch, which takes longer than all that `status` reads

        try:
            return safetensors.torch.load(self._verified(STATE))
        except SafetensorError as error:
            raise ResumeError(f"{self.folder} holds no readable state: {error}") from error

    def _verified(self, name: str) -> bytes:
        path = self.folder / name
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != self.manifest["files"][name]["sha256"]:
            raise ResumeError(f"{path} is damaged: its SHA-256 is not the manifest's")
        return content


@dataclass(frozen=True)
class Attempt:
    """One start of a trial. It is the only writer of its folder."""

    folder: Path

    @property
    def number(self) -> int:
        return int(self.folder.name)

    def commit(
        self,
        state: Mapping[str, Tensor],
        records: Sequence[Record] | bytes,
        progress: Progress,
        parent: Commit | None = None,
        about: Mapping[str, Any] | None = None,
    ) -> Commit:
        """Save state and records of an epoch as one commit; keep only this attempt's last two.

        records : of all epochs so far, or the `content` of `EncodedRecords`. about : is added to
        the manifest: host, device, versions.
        """
        import safetensors.torch

        folder = self.folder / f"{progress.epoch:06d}"
        staged = self.folder / f".{folder.name}.{os.getpid()}"
        shutil.rmtree(staged, ignore_errors=True)
        staged.mkdir()
        rows = records if isinstance(records, bytes) else EncodedRecords(records).content()
        contents = {STATE: safetensors.torch.save(dict(state)), RECORDS: rows}
        manifest = {
            "schema": SCHEMA,
            "attempt": self.number,
            **asdict(progress),
            "parent": parent.place if parent else None,
            "time_ms": time.time_ns() // 1_000_000,
            "files": {
                name: {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
                for name, content in contents.items()
            },
            **(about or {}),
        }
        try:
            for name, content in contents.items():
                _write(staged / name, content)
            _write(staged / MANIFEST, json.dumps(manifest, indent=1).encode())
        except OSError:  # the disk is full: remove the incomplete commit
            shutil.rmtree(staged, ignore_errors=True)
            raise
        shutil.rmtree(folder, ignore_errors=True)
        staged.rename(folder)
        _sync_folder(self.folder)
        self._prune()
        return Commit(folder, manifest)

    def _prune(self) -> None:
        for old in sorted(_numbered(self.folder), key=int, reverse=True)[KEPT:]:
            shutil.rmtree(self.folder / old, ignore_errors=True)


def open_attempt(trial: Path) -> Attempt:
    """Start a new attempt, numbered above all others; safe if other processes start one too."""
    trial.mkdir(parents=True, exist_ok=True)
    number = max((int(name) for name in _numbered(trial)), default=0) + 1
    while True:
        folder = trial / f"{number:04d}"
        try:
            folder.mkdir()
        except FileExistsError:
            number += 1
        else:
            return Attempt(folder)


def latest(trial: Path) -> Commit | None:
    """The newest valid commit of the newest attempt with one, or None; raises `NewerFormat`."""
    return next(commits(trial), None)


def commits(trial: Path) -> Iterator[Commit]:
    """All valid commits of a trial, the newest attempt and epoch first; raises `NewerFormat`."""
    for attempt in sorted(_numbered(trial), key=int, reverse=True):
        for epoch in sorted(_numbered(trial / attempt), key=int, reverse=True):
            folder = trial / attempt / epoch
            if manifest := read_manifest(folder):
                yield Commit(folder, manifest)


def _numbered(folder: Path) -> list[str]:
    """The names of the subfolders that are numbers."""
    try:
        return [name for name in os.listdir(folder) if name.isdecimal()]
    except OSError:
        return []


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
