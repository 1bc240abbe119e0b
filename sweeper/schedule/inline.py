"""Train packs one after another in this process, for debugging or without Ray."""

from __future__ import annotations

from collections.abc import Iterable

from sweeper.messages import Emit, Job
from sweeper.resources import Resources
from sweeper.worker.worker import train_pack

__all__ = ["InlineSchedule"]


class InlineSchedule:
    """Trains the jobs in their order in this process; requested resources are ignored."""

    def run(
        self, jobs: Iterable[Job | None], resources: Resources, emit: Emit, ahead: bool = True
    ) -> None:
        for job in jobs:
            if job is None:
                return  # no job is running whose result could lead to another one
            train_pack(job, emit)

    def places(self, resources: Resources) -> int:
        return 1

    def close(self) -> None:
        """Nothing to stop."""
