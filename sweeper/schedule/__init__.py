"""The interface of schedules, which train packs in this process or by Ray Tune."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # not imported in a worker's process before it begins
    from sweeper.messages import Emit, Job
    from sweeper.resources import Resources

__all__ = ["Schedule"]


class Schedule(Protocol):
    """Trains jobs, in this process or on a Ray cluster."""

    def run(
        self, jobs: Iterable[Job | None], resources: Resources, emit: Emit, ahead: bool = True
    ) -> None:
        """Train all jobs; returns when they have ended or the sweep's stop sign is set.

        jobs : yields None instead of a job if the next one depends on the results of running
            jobs; it is then asked again later.
        ahead : whether jobs may be taken from `jobs` before a worker is free for them.
        emit : called with the workers' events, from one thread at a time. A worker reports the
            failures of its trials; if its process dies too often, the schedule reports them.
        """
        ...

    def places(self, resources: Resources) -> int:
        """How many packs train at once."""
        ...

    def close(self) -> None:
        """Stop what was started for the schedule."""
        ...
