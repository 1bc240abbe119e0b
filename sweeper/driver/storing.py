"""Write a sweep to the storage without running it, for `python -m trainers`."""

from __future__ import annotations

from sweeper.bucket.mirror import bucket_of
from sweeper.errors import UserError, placed
from sweeper.planning.readable import describe_data
from sweeper.status.stored import as_stored
from sweeper.storage import ledger, paths
from sweeper.storage.extendable import enter
from sweeper.storage.lease import hold_lease
from sweeper.sweep import Sweep
from trainers.provenance import sweep_provenance

__all__ = ["store"]


def store(sweep: Sweep) -> None:
    """Write the sweep, its trials, its components and the facts of its data.

    Raises `UserError` where the storage or the data cannot be used, where a driver runs the
    sweep, and for a search that chooses trials by the results of others.
    """
    with placed(sweep.places.get("storage")):
        if address := bucket_of(sweep.storage):
            raise UserError(
                f"{address} is a bucket, and `python -m trainers` trains what lies in a folder: "
                "name one with --storage"
            )
    if sweep.search and sweep.search.source(sweep, False):
        with placed(sweep.places.get("search")):
            raise UserError(
                f"the search {sweep.search.name!r} chooses by results what is trained, so its "
                "trials cannot be written beforehand; run it with `sweeper run`"
            )
    with placed(sweep.places.get("storage")):
        ledger.check_writable(sweep.storage)
    whole = as_stored(sweep)
    with hold_lease(paths.sweep_folder(whole)):
        ledger.write_sweep(whole, sweep_provenance())
        ledger.write_trials(whole)
        describe_data(whole)
        for trial in whole.trials:
            if trial.trial.training.extendable:
                enter(whole.storage, trial.lineage, trial.id)
