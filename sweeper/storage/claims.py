"""Claims: a driver's leases of the trials it trains, so that no other driver trains them too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TextIO

from sweeper.storage.lease import driven_sweeps, holder, is_held, take_lease
from sweeper.storage.paths import sweep_file_in, trial_folder
from sweeper.storage.stored_files import read_sweep

__all__ = ["Claims", "driven_trials"]

MOST = 256  # of a process's open files, of which many systems grant it 1,024


class Claims:
    """The trials that this driver trains: a lease for each, which ends with the driver's process.

    Claims only avoid duplicate work; results are correct without them, because each attempt has
    its own folder. So a trial is trained without a claim if its lease cannot be written (the disk
    is full) or would exceed the limit of open files. A driver waits for another's claim only
    while it holds no claims on trials that it does not train, so two drivers cannot deadlock.
    """

    def __init__(self, storage: Path) -> None:
        self._storage = storage
        self._held: dict[str, TextIO | None] = {}

    def __enter__(self) -> Claims:
        return self

    def __exit__(self, *error: object) -> None:
        self.drop(list(self._held))

    def take(self, trial: str) -> bool:
        """Claim a trial; False if another driver has it."""
        if trial in self._held:
            return True
        if sum(file is not None for file in self._held.values()) >= MOST:
            self._held[trial] = None
            return True
        try:
            file = take_lease(trial_folder(self._storage, trial))
        except OSError:
            self._held[trial] = None
            return True
        if file:
            self._held[trial] = file
        return file is not None

    def drop(self, trials: Iterable[str]) -> None:
        """Release the claims of trials that have ended."""
        for trial in trials:
            if file := self._held.pop(trial, None):
                file.truncate(0)
                file.close()

    def free(self, trials: Iterable[str]) -> bool:
        """Whether at least one of the trials is not claimed by any driver."""
        return not all(is_held(trial_folder(self._storage, trial)) for trial in trials)

    def holders(self, trials: Sequence[str]) -> str:
        """The processes that hold the trials, as text for a message."""
        found = sorted({holder(trial_folder(self._storage, trial)) for trial in trials})
        return " and ".join(found)


def driven_trials(storage: Path, but: Path | None = None) -> Iterator[str]:
    """The ids of the trials of every sweep in the storage that has a running driver.

    The sweep in the folder `but` is left out.
    """
    for folder in driven_sweeps(storage):
        if folder != but and (sweep := read_sweep(sweep_file_in(folder))):
            yield from (one["id"] for one in sweep["trials"])
