"""Whether a sweep may begin with its tracking store: `plan` and `run` ask the same."""

from __future__ import annotations

from collections.abc import Callable

from analysis.sources.tracking_address import sqlite_path
from sweeper.errors import UserError, placed
from sweeper.storage import paths
from sweeper.storage.home import stored_tracking
from sweeper.storage.stored_files import read_sweep
from sweeper.sweep import Sweep
from sweeper.tracking.connection import check_address, check_takes, foresee_address
from sweeper.tracking.schema_version import OtherSchema
from sweeper.tracking.server_check import Refused, Unwell

__all__ = ["check_tracker", "foresee_tracker"]


def check_tracker(sweep: Sweep) -> str | None:
    """Raise `UserError` for a wrong address, and for one that does not answer or refuses us.

    A server that is ill, or a tracker that the sweep used before and that does not answer now, is
    only warned of: the warning is returned.
    """

    def check(uri: str) -> None:
        check_address(uri)
        check_takes(uri, sweep.experiment)

    return _admit(sweep, check)


def foresee_tracker(sweep: Sweep) -> str | None:
    """As `check_tracker`, without making or changing a file.

    That a server does not answer, or refuses, is also returned as a warning: it may answer later,
    or to another machine.
    """
    waits = _admit(sweep, foresee_address)
    if waits or sqlite_path(sweep.tracking):
        return waits
    try:
        return check_tracker(sweep)
    except OtherSchema:
        raise
    except UserError as error:
        return f"`sweeper run` would end at once: {error.message}"


def _admit(sweep: Sweep, check: Callable[[str], None]) -> str | None:
    try:
        with placed(sweep.places.get("tracking")):
            check(sweep.tracking)
    except UserError as error:
        waits = isinstance(error, Unwell) or _was_there(sweep)
        if isinstance(error, OtherSchema | Refused) or not waits:
            raise
        return (
            f"{error.message}; the trials are trained all the same, and their records "
            "wait in the storage"
        )
    return None


def _was_there(sweep: Sweep) -> bool:
    """Whether the sweep was begun with this tracker, which then was no wrong address."""
    row = read_sweep(paths.sweep_file(sweep))
    return row is not None and stored_tracking(row, sweep.storage) == sweep.tracking
