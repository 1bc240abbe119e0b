"""A job whose storage is on a bucket, with the paths of this node's own mirror."""

from __future__ import annotations

import json
from pathlib import Path

from sweeper.bucket.mirror import mirror_at
from sweeper.storage.paths import component_file

__all__ = ["localized"]


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
