"""Claims: a driver's leases of the trials it trains, so that no other driver trains them too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TextIO

from sweeper.bucket.mirror import mirror_of
from sweeper.bucket.trial_claims import Driving, TrialClaims
from sweeper.storage.lease import driven_sweeps, holder, is_held_here, lease_token, take_lease
from sweeper.storage.paths import lease_file, sweep_file_in, trial_folder
from sweeper.storage.stored_files import read_sweep

__all__ = ["Claims", "claims_in_bucket", "driven_trials"]

MOST = 256  # of a process's open files, of which many systems grant it 1,024


class Claims:
    """The trials that this driver trains: a lease for each, which ends with the driver's process.

    Claims only avoid duplicate work; results are correct without them, because each attempt has
    its own folder. So a trial is trained without a claim if its lease cannot be written (the disk
    is full) or would exceed the limit of open files. A driver waits for another's claim only
    while it holds no claims on trials that it does not train, so two drivers cannot deadlock.

    sweep : the folder of the driver's sweep, in the name of whose lease it claims trials in a
        bucket; without it they are claimed on this machine alone.
    """

    def __init__(self, storage: Path, sweep: Path | None = None) -> None:
        self._storage = storage
        self._held: dict[str, TextIO | None] = {}
        self._bucket = claims_in_bucket(storage, sweep) if sweep else None

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
        if file and self._bucket and not self._claimed_in_bucket(trial):
            file.close()
            return False
        if file:
            self._held[trial] = file
        return file is not None

    def drop(self, trials: Iterable[str]) -> None:
        """Release the claims of trials that have ended."""
        held = {trial: self._held.pop(trial) for trial in trials if trial in self._held}
        if self._bucket:
            self._bucket.drop(trial for trial, file in held.items() if file)
        for file in filter(None, held.values()):
            file.truncate(0)
            file.close()

    def free(self, trials: Iterable[str]) -> bool:
        """Whether at least one of the trials is not claimed by any driver."""
        there = [one for one in trials if not is_held_here(trial_folder(self._storage, one))]
        return bool(there) and (self._bucket is None or self._bucket.free(there))

    def _claimed_in_bucket(self, trial: str) -> bool:
        """Claim a trial in the bucket, too; a store that is away keeps nobody from training."""
        assert self._bucket is not None
        try:
            return self._bucket.take(trial)
        except OSError:
            return True

    def holders(self, trials: Sequence[str]) -> str:
        """The processes that hold the trials, as text for a message."""
        found = sorted({holder(trial_folder(self._storage, trial)) for trial in trials})
        return " and ".join(found)


def claims_in_bucket(storage: Path, sweep: Path) -> TrialClaims | None:
    """The claims in the name of the lease that this process holds of the sweep in a folder.

    None if the storage is a folder.
    """
    mirror, token = mirror_of(storage), lease_token(sweep)
    if not mirror or not token:
        return None
    return TrialClaims(mirror, Driving(mirror.sign(lease_file(sweep)), token))


def driven_trials(storage: Path, but: Path | None = None) -> Iterator[str]:
    """The ids of the trials of every sweep in the storage that has a running driver.

    The sweep in the folder `but` is left out.
    """
    for folder in driven_sweeps(storage):
        if folder != but and (sweep := read_sweep(sweep_file_in(folder))):
            yield from (one["id"] for one in sweep["trials"])
