"""Who trains a trial now: sweeps share trials, and one driver leaves another's alone."""

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
    """The trials that this driver has under way: each a lease, which dies with the driver.

    A claim saves work and nothing else, as the numbered attempts keep results whole. So a trial
    whose lease cannot be written (the disk is full), or that would take one open file too many,
    is trained all the same. No claim is waited for while others are held without being worked on,
    so no two drivers wait for each other.
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
        """Let go of trials that have ended."""
        for trial in trials:
            if file := self._held.pop(trial, None):
                file.truncate(0)
                file.close()

    def free(self, trials: Iterable[str]) -> bool:
        """Whether one of the trials is in nobody's hands."""
        return not all(is_held(trial_folder(self._storage, trial)) for trial in trials)

    def holders(self, trials: Sequence[str]) -> str:
        """Who has the trials, for a sentence."""
        found = sorted({holder(trial_folder(self._storage, trial)) for trial in trials})
        return " and ".join(found)


def driven_trials(storage: Path) -> Iterator[str]:
    """The trials of every sweep of the storage that has a driver now: sweeps share trials."""
    for folder in driven_sweeps(storage):
        if sweep := read_sweep(sweep_file_in(folder)):
            yield from (one["id"] for one in sweep["trials"])
