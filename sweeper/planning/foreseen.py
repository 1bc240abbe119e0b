"""Say what will end `sweeper run` before it trains anything: servers, Ray and resources."""

from __future__ import annotations

from collections.abc import Iterator

from cluster.addresses import backend_at
from cluster.errors import ClusterError
from cluster.existing import Existing
from cluster.session_folder import require_short, temporary_folder
from sweeper.planning.capacity import room_here
from sweeper.resources import in_words, shortfall
from sweeper.sweep import Sweep
from sweeper.tracking.admission import foresee_tracker

__all__ = ["foreseen"]

PATIENCE = 2.0  # seconds


def foreseen(sweep: Sweep) -> Iterator[str]:
    """Sentences with the remedies; each server is asked once, for a few seconds at most.

    They are warnings, because a grid may be planned on another machine than it runs on. Raises
    `UserError` for a tracking address that is wrong on every machine.
    """
    if waits := foresee_tracker(sweep):
        yield waits
    without_ray = _no_local_ray if sweep.cluster == "local" else _no_cluster
    if why := without_ray(sweep):
        yield f"`sweeper run` without --inline would end at once: {why}"


def _no_local_ray(sweep: Sweep) -> str | None:
    """Why Ray will not train on this machine; None if it will."""
    try:
        require_short(temporary_folder())
    except (ClusterError, OSError) as error:
        return str(error)
    there, asked = room_here(sweep.resources)
    if not (lacks := shortfall(asked, [("this machine", there)])):
        return None
    return f"a trial asks for {in_words(asked)}, and {lacks}; ask for no more in `resources`"


def _no_cluster(sweep: Sweep) -> str | None:
    """Why the sweep cannot join its cluster; None if something listens at the address."""
    try:
        backend = backend_at(sweep.cluster)
        if isinstance(backend, Existing):
            backend.knock(PATIENCE)
    except ClusterError as error:
        return str(error)
    except OSError as error:
        return (
            f"no Ray answers at {sweep.cluster} ({error}); start it (ray start --head), or "
            "correct `cluster`"
        )
    return None
