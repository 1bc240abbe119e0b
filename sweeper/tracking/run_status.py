"""The status of an MLflow run for the state of its trial, or of all trials of its sweep."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from sweeper.storage.ledger import Status

__all__ = ["TRIAL_STATUS", "RunStatus", "sweep_status"]

RunStatus = Literal["RUNNING", "FINISHED", "FAILED", "KILLED"]

# of a trial that no driver trains now
TRIAL_STATUS: dict[Status, RunStatus] = {
    "finished": "FINISHED",
    "failed": "FAILED",
    "running": "KILLED",
    "pruned": "KILLED",
    "pending": "KILLED",
}


def sweep_status(states: Collection[Status]) -> RunStatus:
    """The status of the parent run of a sweep that no driver runs now."""
    if all(state in ("finished", "pruned") for state in states):
        return "FINISHED"
    return "FAILED" if "failed" in states else "KILLED"
