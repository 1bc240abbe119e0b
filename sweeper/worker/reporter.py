"""A worker's events, collected and sent to the driver at most twice a second."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import replace

from sweeper.messages import Event

__all__ = ["Emit", "Reporter"]

Emit = Callable[[list[Event]], None]
TELL_EVERY = 0.5


class Reporter:
    """Collects events, merges those of one trial, and sends them at intervals of half a second.

    `pack` : the id of the first trial of the job.
    """

    def __init__(self, emit: Emit, pack: str) -> None:
        self._emit, self._pack, self._last = emit, pack, 0.0
        self._host = socket.gethostname()
        self._waiting: dict[str, Event] = {}

    def tell(self, event: Event) -> None:
        before = self._waiting.pop(event.trial, None)
        self._waiting[event.trial] = (
            event
            if before is None
            else replace(
                event,
                records=before.records + event.records,
                committed=before.committed or event.committed,
                note="; ".join(filter(None, (before.note, event.note))) or None,
            )
        )
        if time.monotonic() - self._last >= TELL_EVERY:
            self.flush()

    def flush(self) -> None:
        if self._waiting:
            told = self._waiting.values()
            self._emit([replace(one, host=self._host, pack=self._pack) for one in told])
        self._waiting, self._last = {}, time.monotonic()
