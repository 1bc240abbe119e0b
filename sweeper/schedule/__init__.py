"""Where packs are trained: the same interface for this process and for Ray Tune."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from sweeper.job import Job
from sweeper.sweep import Resources
from sweeper.worker import Emit

__all__ = ["Emit", "Schedule"]


class Schedule(Protocol):
    """Trains jobs and returns when all are done, or when the sweep's stop sign ended them.

    `emit` gets the workers' news, from one thread at a time. A job whose worker died too often
    is told as failed; a trial's own failure is told by its worker.
    """

    def __call__(self, jobs: Iterable[Job], resources: Resources, emit: Emit) -> None: ...
