"""The interface to what trains packs: this process, or Ray Tune."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from sweeper.messages import Emit, Job
from sweeper.sweep import Resources

__all__ = ["Emit", "Schedule"]


class Schedule(Protocol):
    """Trains jobs, in this process or on a Ray cluster."""

    def run(
        self, jobs: Iterable[Job | None], resources: Resources, emit: Emit, ahead: bool = True
    ) -> None:
        """Train all jobs; returns when they have ended or the sweep's stop sign is up.

        jobs : None instead of a job means that the next one depends on the results of those
            under way: ask again later.
        ahead : whether jobs may be drawn before a worker is free for them.
        emit : gets the workers' events, from one thread at a time. A worker reports the failures
            of its own trials; where it dies too often, its trials are reported as failed here.
        """
        ...

    def close(self) -> None:
        """Stop what was started for the schedule."""
        ...
