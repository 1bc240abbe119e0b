"""Read the data sets of a sweep before anything is trained, to find damaged ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sweeper.errors import UserError
from sweeper.storage import paths
from sweeper.sweep import Sweep
from trainers.errors import DataError

__all__ = ["readable", "require_readable"]


@contextmanager
def readable() -> Iterator[None]:
    """Turn a `DataError` in the block into a `UserError`."""
    try:
        yield
    except DataError as error:
        raise UserError(str(error), path="data") from error


def require_readable(sweep: Sweep) -> None:
    """Read each data set of a sweep once, unless this storage has facts of it; `UserError` if one
    is damaged. What was read is not kept.
    """
    trials = {
        str(trial.data.get("checksum")): trial for trial in (*sweep.trials, *sweep.examples())
    }
    for checksum, trial in trials.items():
        if not paths.dataset_file(sweep.storage, checksum).exists():
            with readable():
                trial.trial.data.load()
