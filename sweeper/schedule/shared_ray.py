"""One Ray for several drivers in a row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from sweeper.schedule.host import Host, open_schedule
from sweeper.sweep import Sweep

__all__ = ["SharedRay", "shared_ray"]


class SharedRay:
    """Starts Ray when it is first needed, for the schedules of several drivers in one process.

    After Ray was shut down in a process it cannot be started there again: Ray ends the process.
    """

    def __init__(self, sweep: Sweep, inline: bool) -> None:
        self._sweep, self._inline = sweep, inline
        self._host: Host | None = None

    def start(self) -> None:
        """Start Ray unless it runs already or is not used; raises `UserError` if that fails."""
        if self._host is None and not self._inline:
            self._host = Host(partial(open_schedule, self._sweep))
            self._host.schedule()

    def close(self) -> None:
        """End Ray, if it was started."""
        if self._host:
            self._host.close()
            self._host.join()


@contextmanager
def shared_ray(sweep: Sweep, inline: bool) -> Iterator[SharedRay]:
    """Keep one Ray instance running during the block."""
    ray = SharedRay(sweep, inline)
    try:
        yield ray
    finally:
        ray.close()
