"""Train the trials of a storage folder, without sweeper: what ``python -m trainers`` does.

`sweeper plan GRID --store` writes the folder, this module the commits and the pictures that a
worker of `sweeper run` writes, and `sweeper reconcile` shows them in MLflow.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Any, TextIO

import numpy as np
import numpy.typing as npt

from trainers import component_files
from trainers.checkpoint import latest
from trainers.commit_format import Types, read_stored
from trainers.errors import BrokenComponent, ResumeError, TrainerError
from trainers.program import pack_key
from trainers.registry import name_of
from trainers.trial import Trial

__all__ = [
    "StoredTrial",
    "claimed",
    "compressed",
    "load_component",
    "packs",
    "save_arrays",
    "sources",
    "stored_trials",
]

TRIAL: Types = {
    "id": str,
    "label": str,
    "trial": dict,
    "data": dict,
    "merged_from": (str, NoneType),
}
SWEEP: Types = {"trials": list}


@dataclass(frozen=True)
class StoredTrial:
    """A trial of a storage folder, as its ``trial.json`` describes it.

    merged : whether it takes the parameters of an alias instead of being trained.
    """

    folder: Path
    label: str
    trial: Trial
    checksum: str
    merged: bool

    @property
    def program(self) -> str:
        """Equal for trials that can train as one program."""
        rhythm = self.trial.training.test_every, self.trial.training.checkpoint_every
        return json.dumps([pack_key(self.trial), rhythm], sort_keys=True)

    @property
    def finished(self) -> bool:
        """Whether its newest valid commit is that of a finished trial."""
        commit = latest(self.folder)
        return commit is not None and commit.progress.status == "finished"

    @property
    def hopeless(self) -> bool:
        """Whether it failed, and would fail again."""
        commit = latest(self.folder)
        return commit is not None and commit.progress.repeats

    def require_data(self) -> None:
        """Raise `ResumeError` unless the data here are those that the trial was planned with."""
        found = self.trial.data.checksum()
        if found != self.checksum:
            raise ResumeError(
                f"the data {name_of(self.trial.data)} here have the checksum {found}, and the "
                f"trial was planned with {self.checksum}: bring those, or plan it with these"
            )


def stored_trials(folder: Path) -> list[StoredTrial]:
    """The trials of a sweep's folder in their order, or all of a storage folder, sorted by id.

    Raises `ResumeError` where the folder is neither, or a trial of the sweep cannot be read.
    """
    sweep = folder / "sweep.json"
    if sweep.is_file():
        row = read_stored(sweep, SWEEP)
        if row is None:
            raise ResumeError(f"{sweep} is not a sweep's file; write it with `sweeper plan`")
        storage = folder.resolve().parents[2]
        rows = [one for one in row["trials"] if isinstance(one, dict)]
        found = [storage / "trials" / str(one.get("id")) for one in rows]
    else:
        storage, found = folder, sorted(path.parent for path in folder.glob("trials/*/trial.json"))
    if not found:
        raise ResumeError(
            f"{folder} holds no trials: write them with `sweeper plan GRID --store --storage "
            f"{folder}`, where sweeper is installed"
        )
    return [_read(storage, trial) for trial in found]


def packs(trials: Sequence[StoredTrial], size: int) -> Iterator[list[StoredTrial]]:
    """Groups of at most `size` trials that can train as one program, as equal as they can be."""
    groups: dict[str, list[StoredTrial]] = defaultdict(list)
    for one in trials:
        groups[one.program].append(one)
    for group in groups.values():
        count = -(-len(group) // size)
        yield from (group[start::count] for start in range(count))


def claimed(trials: Sequence[StoredTrial], leases: ExitStack) -> list[StoredTrial]:
    """Those that no other process trains: their leases are held until `leases` is closed.

    They are the locks that a driver of sweeper takes, too. Of a trial that cannot be locked (on a
    file system without locks) none is held, and it is trained: attempts do not disturb each other.
    """
    return [one for one in trials if _locked(one.folder, leases)]


def compressed(arrays: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """The content of a compressed ``.npz``."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def save_arrays(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write arrays as a compressed ``.npz``, whole or not at all; nothing where there are none."""
    if not arrays:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with staged.open("wb") as file:
            file.write(compressed(arrays))
            file.flush()
            os.fsync(file.fileno())
        staged.replace(path)
    finally:
        staged.unlink(missing_ok=True)


def sources(config: Mapping[str, Any]) -> Iterator[str]:
    """The hashes of the user's own files whose components a trial's config names."""
    for part in config.values():
        if isinstance(part, Mapping) and isinstance(part.get("source"), str):
            yield part["source"]


def load_component(path: Path, sha256: str) -> component_files.ComponentFile:
    """Load a stored file of components; raises `BrokenComponent` if it is missing or changed."""
    if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
        raise BrokenComponent(
            "is not the text that it was stored as; put the original file back, or delete "
            "this one and run the grid that brings it",
            str(path),
        )
    return component_files.load(path)


def _read(storage: Path, folder: Path) -> StoredTrial:
    row = read_stored(folder / "trial.json", TRIAL)
    if row is None or row["id"] != folder.name:
        raise ResumeError(f"{folder / 'trial.json'} is missing or damaged; plan its grid again")
    try:
        for sha256 in sources(row["trial"]):
            load_component(storage / "components" / f"{sha256}.py", sha256)
        trial = Trial.from_config(row["trial"])
    except (TrainerError, KeyError, TypeError) as error:
        raise ResumeError(f"{folder / 'trial.json'} names what is not here: {error}") from error
    merged = row.get("merged_from") is not None
    return StoredTrial(folder, row["label"], trial, str(row["data"].get("checksum", "")), merged)


def _locked(folder: Path, leases: ExitStack) -> bool:
    file: TextIO | None = None
    with suppress(OSError):
        file = leases.enter_context((folder / "lease").open("a"))
    if file is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
