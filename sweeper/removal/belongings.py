"""What belongs to some sweeps of a storage, and what other sweeps there use too."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sweeper.errors import BucketError, UserError
from sweeper.status.listed import sweep_rows
from sweeper.storage import ledger, paths
from sweeper.storage.attempts import bring_folder
from sweeper.storage.home import stored_tracking
from sweeper.storage.lease import hold_lease
from sweeper.storage.stored_files import read_sweep

__all__ = ["Belongings", "StoredName", "belongings", "files_in", "held", "named"]


@dataclass(frozen=True)
class StoredName:
    """A stored sweep by its names, with the present address of its tracking store."""

    experiment: str
    name: str
    tracking: str
    trials: tuple[str, ...]


@dataclass(frozen=True)
class Belongings:
    """Sweeps of a storage with their trials.

    trials : the ids of those that no other sweep of the storage has. shared : of the others.
    whole : the experiments of which no other sweep is stored. others : the remaining sweeps.
    """

    storage: Path
    sweeps: tuple[StoredName, ...]
    trials: tuple[str, ...]
    shared: tuple[str, ...]
    whole: tuple[str, ...]
    others: tuple[StoredName, ...]

    @property
    def sweep_folders(self) -> list[Path]:
        return [
            paths.sweep_folder_of(self.storage, one.experiment, one.name) for one in self.sweeps
        ]

    @property
    def report_folders(self) -> list[Path]:
        """The reports of the experiments of which no other sweep is stored."""
        return [paths.report_folder(self.storage, name) for name in self.whole]

    @property
    def folders(self) -> list[Path]:
        """Every folder that belongs to these sweeps alone."""
        trials = [paths.trial_folder(self.storage, trial) for trial in self.trials]
        return [*trials, *self.report_folders, *self.sweep_folders]

    def size(self) -> int:
        """The bytes of the files in `folders`."""
        return sum(path.lstat().st_size for path in files_in(self.folders))

    def counts(self) -> dict[str, int]:
        """How many of `trials` finished, failed and so on."""
        return dict(Counter(ledger.status(self.storage, self.trials).values()))


def belongings(storage: Path, chosen: Collection[tuple[str, str]]) -> Belongings:
    """What belongs to the sweeps with these pairs of experiment and name.

    Raises `UserError` where the storage has a sweep that cannot be read, as its trials are
    unknown.
    """
    known = {(one.experiment, one.name): one for one in _all_sweeps(storage)}
    sweeps = [known[key] for key in chosen if key in known]
    others = [one for key, one in known.items() if key not in chosen]
    kept = {trial for one in others for trial in one.trials}
    own = dict.fromkeys(trial for one in sweeps for trial in one.trials)
    there = {one.experiment for one in others}
    return Belongings(
        storage,
        tuple(sweeps),
        tuple(trial for trial in own if trial not in kept),
        tuple(trial for trial in own if trial in kept),
        tuple(dict.fromkeys(one.experiment for one in sweeps if one.experiment not in there)),
        tuple(others),
    )


def named(storage: Path, name: str) -> Belongings:
    """The belongings of an experiment's sweeps, or of the sweep of this name.

    Raises `UserError` if there is none, with the nearest name.
    """
    rows = [row for _, row in sweep_rows(storage, name)]
    return belongings(storage, [(row["experiment"], row["sweep"]) for row in rows])


@contextmanager
def held(told: Belongings) -> Iterator[Belongings]:
    """Hold the leases of the sweeps during the block, and give what still belongs to them alone.

    Raises `UserError` if a driver runs one of them, or if more than was `told` belongs to them.
    """
    with ExitStack() as stack:
        for folder in told.sweep_folders:
            stack.enter_context(_lease(folder))
        _bring(told.storage)
        own = belongings(told.storage, [(one.experiment, one.name) for one in told.sweeps])
        if set(own.trials) - set(told.trials) or len(own.sweeps) < len(told.sweeps):
            raise UserError("the storage changed meanwhile, and nothing was removed; try again")
        yield own


def _bring(storage: Path) -> None:
    try:
        bring_folder(storage)
    except OSError as error:
        raise UserError(str(error)) from error


@contextmanager
def _lease(folder: Path) -> Iterator[None]:
    with ExitStack() as stack:
        try:
            stack.enter_context(hold_lease(folder))
        except BucketError as error:
            raise UserError(str(error)) from error
        except OSError as error:
            raise UserError(
                f"the sweep in {folder} cannot be locked: {error.strerror or error}; make the "
                "storage writable"
            ) from error
        yield


def files_in(folders: Iterable[Path]) -> Iterator[Path]:
    """The files and links in some folders, at any depth, sorted within each."""
    for folder in folders:
        for place, inner, names in os.walk(folder):
            inner.sort()
            yield from (Path(place, name) for name in sorted(names))


def _all_sweeps(storage: Path) -> Iterator[StoredName]:
    for path in paths.sweep_files(storage):
        row = read_sweep(path)
        if row is None:
            raise UserError(
                f"{path} cannot be read, so which trials that sweep uses is unknown; put the file "
                "back, or delete its folder"
            )
        yield _described(storage, row)


def _described(storage: Path, row: Mapping[str, Any]) -> StoredName:
    return StoredName(
        row["experiment"],
        row["sweep"],
        stored_tracking(row, storage),
        tuple(dict.fromkeys(one["id"] for one in row["trials"])),
    )
