"""Delete sweeps from a storage, with the trials that no other sweep uses."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

from sweeper.bucket.trial_claims import TrialClaims
from sweeper.errors import UserError
from sweeper.removal.belongings import Belongings
from sweeper.storage import paths
from sweeper.storage.attempts import delete_objects, withdraw
from sweeper.storage.claims import claims_in_bucket
from sweeper.storage.lease import driven_sweeps, holder, take_lease
from sweeper.storage.sent_data import drop_data
from sweeper.storage.stored_files import read_trial

__all__ = ["delete"]


def delete(belongings: Belongings, step: Callable[[], None] = lambda: None) -> None:
    """Delete the files of sweeps whose leases the caller holds; `step` is called at each trial.

    A sweep's own file goes last: if the process is killed before, the same command goes on.
    Raises `UserError` if a file cannot be deleted, or if a driver trains one of the trials.
    """
    claims = claims_in_bucket(belongings.storage, belongings.sweep_folders[0])
    try:
        for trial in belongings.trials:
            _delete_trial(paths.trial_folder(belongings.storage, trial), claims)
            step()
        _forget(belongings.storage, set(belongings.trials))
        _drop_data(belongings)
        for folder in belongings.report_folders:
            _delete_folder(folder)
        for folder in belongings.sweep_folders:
            _delete_sweep(folder)
    except OSError as error:
        raise UserError(
            f"{error.filename or belongings.storage} cannot be deleted: {error.strerror or error}"
            "; what was deleted before is gone, and the same command goes on"
        ) from error


def _delete_trial(folder: Path, claims: TrialClaims | None) -> None:
    if not folder.is_dir():
        return
    lease = take_lease(folder)
    if lease is None:
        raise _is_trained(folder)
    with lease:
        claimed = claims is None or claims.take(folder.name)
        if claimed:
            delete_objects(folder)
            shutil.rmtree(folder)
        if claims and claimed:
            claims.drop([folder.name])
    if not claimed:
        raise _is_trained(folder)


def _is_trained(folder: Path) -> UserError:
    return UserError(
        f"the trial {folder.name} is being trained by {holder(folder)}; wait for it, or end "
        "it there; then the same command goes on"
    )


def _forget(storage: Path, trials: Collection[str]) -> None:
    """Delete the trials' entries under their lineages, and lineages that have none left."""
    for entry in list(storage.glob("programs/*/*")):
        if entry.name in trials:
            withdraw(entry)
            with suppress(OSError):  # other trials are of this lineage
                entry.parent.rmdir()


def _drop_data(belongings: Belongings) -> None:
    """Delete the files of data sets that no trial of the storage has any more.

    All stay while a driver runs another sweep, which may have written some for trials to come.
    """
    with suppress(UserError):  # a newer version wrote one of the trials
        rows = [read_trial(path) for path in paths.trial_files(belongings.storage)]
        known = [str(row["data"].get("checksum")) for row in rows if row]
        others = set(driven_sweeps(belongings.storage)) - set(belongings.sweep_folders)
        if len(known) == len(rows) and not others:
            drop_data(belongings.storage, set(known))


def _delete_sweep(folder: Path) -> None:
    last = paths.sweep_file_in(folder)
    delete_objects(folder, last.name)
    for entry in list(folder.iterdir()):
        if entry != last:
            _delete_folder(entry) if entry.is_dir() else entry.unlink()
    last.unlink(missing_ok=True)
    folder.rmdir()
    with suppress(OSError):  # the experiment has other sweeps
        folder.parent.rmdir()


def _delete_folder(folder: Path) -> None:
    if folder.is_symlink():
        folder.unlink()
    elif folder.is_dir():
        shutil.rmtree(folder)
