"""A job with the paths of this node: of its mirror of a bucket, and of its copies of data sets."""

from __future__ import annotations

import functools
import json
from dataclasses import replace
from pathlib import Path

from sweeper.bucket.mirror import mirror_at
from sweeper.messages import Job, JobTrial
from sweeper.storage.paths import component_file
from sweeper.storage.sent_data import fetch_data
from trainers.datasets import Dataset
from trainers.errors import DataError

__all__ = ["localized", "with_data"]


def localized(job: str) -> str:
    """The job (as JSON text) with paths of this node's mirror, into which its sweep is fetched.

    Jobs of a storage folder are returned as they are. Raises `UserError` or `OSError` if this node
    cannot use the bucket.
    """
    row = json.loads(job)
    if not row["bucket"]:
        return job
    mirror = mirror_at(row["bucket"])
    here, there = mirror.folder.resolve(), Path(row["storage"])
    sweep = here / Path(row["sweep"]).relative_to(there)
    components = [here / Path(one).relative_to(there) for one in row["components"]]
    if row["nonce"]:
        mirror.refresh([mirror.folder / sweep.relative_to(here)])
    if components:
        mirror.refresh([component_file(mirror.folder, "").parent])
    row |= {"storage": str(here), "sweep": str(sweep), "components": list(map(str, components))}
    return json.dumps(row)


def with_data(job: Job) -> Job:
    """The job with data sets that are read from this node's copies where it has not its own.

    Nothing is changed unless data sets are sent (`Job.send_data`). Raises `DataError` or `OSError`
    if the storage has not the data set, or it cannot be copied.
    """
    if not job.send_data:
        return job

    def readable(one: JobTrial) -> JobTrial:
        data = _own_or_fetched(job.storage, one.trial.data, one.checksum)
        return replace(one, trial=replace(one.trial, data=data))

    return replace(job, trials=tuple(map(readable, job.trials)))


@functools.lru_cache(maxsize=64)
def _own_or_fetched(storage: str, data: Dataset, checksum: str) -> Dataset:
    try:
        if data.checksum() == checksum:
            return data
    except (DataError, OSError):
        pass
    return fetch_data(Path(storage), data, checksum)
