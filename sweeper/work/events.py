"""What a worker tells the driver about its trials."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from trainers import Record

__all__ = ["Event", "Phase", "decode", "encode"]

Phase = Literal["started", "running", "stopped", "pruned", "finished", "failed"]


@dataclass(frozen=True)
class Event:
    """One trial's news: where it stands, and the records of the epochs since its last news.

    `committed` says that storage has a new commit, `reason` why a trial failed, `note` what went
    wrong without failing it.
    """

    trial: str
    phase: Phase
    records: tuple[Record, ...] = ()
    committed: bool = False
    reason: str | None = None
    note: str | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more is to be heard of the trial from this worker."""
        return self.phase not in ("started", "running")


def encode(events: Sequence[Event]) -> str:
    """Events as one JSON text, for the way from a worker's process to the driver's."""
    return json.dumps([asdict(event) for event in events])


def decode(text: str) -> list[Event]:
    """The events of `encode`."""
    return [_event(row) for row in json.loads(text)]


def _event(row: dict[str, Any]) -> Event:
    return Event(**row | {"records": tuple(Record(**record) for record in row["records"])})
