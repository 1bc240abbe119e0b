"""Train packs one after the other in this process: for debugging, and where there is no Ray."""

from __future__ import annotations

from collections.abc import Iterable

from sweeper.job import Job
from sweeper.ledger import StopSign
from sweeper.sweep import Resources
from sweeper.worker import Emit, train_pack

__all__ = ["schedule"]


def schedule(jobs: Iterable[Job], resources: Resources, emit: Emit) -> None:
    """Train all jobs in order; `resources` do not matter here."""
    for job in jobs:
        if StopSign(job.sweep).is_up():
            return
        train_pack(job, emit)
