"""Read the data sets of a sweep before anything is trained: damaged ones, and facts of all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sweeper.errors import UserError
from sweeper.storage.spectra import describe_dataset
from sweeper.sweep import Sweep
from trainers.errors import DataError

__all__ = ["describe_data", "readable"]


@contextmanager
def readable() -> Iterator[None]:
    """Turn a `DataError` in the block into a `UserError`."""
    try:
        yield
    except DataError as error:
        raise UserError(str(error), path="data") from error


def describe_data(sweep: Sweep) -> None:
    """Write what the analysis needs of each data set of a sweep, unless the storage has it.

    In the driver, before anything is trained: its time is free while Ray starts, and workers would
    each compute the same. `UserError` if a data set is damaged.
    """
    trials = {
        str(trial.data.get("checksum")): trial for trial in (*sweep.trials, *sweep.examples())
    }
    for checksum, trial in trials.items():
        with readable():
            describe_dataset(str(sweep.storage), trial.trial.data, checksum)
