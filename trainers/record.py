"""The metrics of a trial after an epoch."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Record"]


@dataclass(frozen=True)
class Record:
    """The metrics of one trial after one epoch; `time_ms` is Unix time."""

    epoch: int
    step: int
    time_ms: int
    metrics: dict[str, float]
