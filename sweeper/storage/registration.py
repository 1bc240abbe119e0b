"""What a grid declares before its run, as one hash that `sweeper plan` prints and a report checks.

The hash is over the sweep's trials (by the hash in its name), its analysis section, its rule for
more seeds and its search. It is stored when the sweep is first run, and kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from analysis.sources.registration import digest
from sweeper.sweep import Sweep, describe_search

__all__ = ["declared", "register", "registration"]


def declared(sweep: Sweep) -> dict[str, Any]:
    """The content of the hash, as plain values."""
    return {
        "trials": sweep.name.rpartition("-")[2],
        "analysis": dict(sweep.analysis),
        "until": dict(sweep.until) if sweep.until else None,
        "search": describe_search(sweep.search) if sweep.search else None,
    }


def registration(sweep: Sweep) -> str:
    """The hash of what the grid declares."""
    return digest(declared(sweep))


def register(sweep: Sweep, finished: int, before: Mapping[str, Any] | None) -> dict[str, Any]:
    """The ``registered`` entry of `sweep.json`; an existing one is kept.

    finished: trials of the experiment that had finished when it was registered.
    """
    if before and isinstance(before.get("registered"), dict):
        return dict(before["registered"])
    return {
        "id": registration(sweep),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "finished": finished,
        "declared": declared(sweep),
    }
