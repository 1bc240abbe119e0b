"""A clock for tests, in place of `time`."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Clock"]


@dataclass
class Clock:
    """A clock that goes when it is told to; `now` is in seconds."""

    now: float = 100.0

    def monotonic(self) -> float:
        return self.now
