"""Keep the file that says where each trial is trained."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from sweeper.messages import Event
from sweeper.storage.paths import running_file
from sweeper.storage.whereabouts import Whereabouts, write_running

__all__ = ["RunningTrials"]

WRITE_AFTER = 0.5


class RunningTrials:
    """Writes the whereabouts of a sweep's trials a moment after they have changed.

    Changes within that moment are written together, so that thousands of short trials cost little.
    A disk that is full leaves the file old.
    """

    def __init__(self, sweep_folder: Path) -> None:
        self._folder = sweep_folder
        self._found: dict[str, Whereabouts] = {}
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def hear(self, events: Iterable[Event]) -> None:
        """Note where the workers that sent these events are."""
        with self._lock:
            before = dict(self._found)
            for event in events:
                self._note(event)
            if self._found != before and self._timer is None:
                self._timer = threading.Timer(WRITE_AFTER, self._write)
                self._timer.daemon = True
                self._timer.start()

    def close(self) -> None:
        """Delete the file."""
        with self._lock:
            if self._timer:
                self._timer.cancel()
            self._found = {}
            with suppress(OSError):
                running_file(self._folder).unlink(missing_ok=True)

    def _note(self, event: Event) -> None:
        known = self._found.get(event.trial)
        if event.ended:
            self._found.pop(event.trial, None)
        elif event.host and (known is None or known.host != event.host):
            now = datetime.now(UTC).isoformat(timespec="seconds")
            self._found[event.trial] = Whereabouts(event.host, event.pack, now)

    def _write(self) -> None:
        with self._lock:
            self._timer = None
            if self._found:
                with suppress(OSError):
                    write_running(self._folder, self._found)
