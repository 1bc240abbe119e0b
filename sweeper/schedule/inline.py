"""Train packs one after the other in this process: for debugging, and where there is no Ray."""

from __future__ import annotations

from collections.abc import Iterable

from sweeper.messages import Emit, Job
from sweeper.sweep import Resources
from sweeper.worker.worker import train_pack

__all__ = ["InlineSchedule"]


class InlineSchedule:
    """Trains the jobs in their order; resources are those of this process."""

    def run(
        self, jobs: Iterable[Job | None], resources: Resources, emit: Emit, ahead: bool = True
    ) -> None:
        for job in jobs:
            if job is None:
                return  # nothing is under way that could bring another one
            train_pack(job, emit)

    def close(self) -> None:
        """Nothing to stop."""
