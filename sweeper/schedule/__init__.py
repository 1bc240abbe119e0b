"""Where packs are trained: one interface for this process and for Ray Tune."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from sweeper.messages import Emit, Job
from sweeper.sweep import Resources

__all__ = ["Emit", "Schedule"]


class Schedule(Protocol):
    """Trains jobs, wherever it does so."""

    def run(
        self, jobs: Iterable[Job | None], resources: Resources, emit: Emit, ahead: bool = True
    ) -> None:
        """Train all jobs; returns when they are done, or stopped by their sweep's stop sign.

        None in the place of a job says that the next one depends on those under way. Jobs are
        drawn before there is a worker for them, unless `ahead` is false.
        `emit` gets the workers' news, from one thread at a time. A trial's own failure is told
        by its worker; a worker that dies too often is told here as the failure of its trials.
        """
        ...

    def close(self) -> None:
        """Give back what was started for the schedule."""
        ...
