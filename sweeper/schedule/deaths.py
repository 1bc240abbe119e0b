"""Why a worker ended, by what Ray wrote of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from sweeper.worker.member import LESS_MEMORY

__all__ = ["REASONS", "RETRIES", "cause_of_death", "last_words"]

RETRIES = 3

Cause = Literal["node", "memory", "worker"]
REASONS: dict[Cause, str] = {
    "node": "its node was lost",
    "memory": f"out of memory: its worker was ended {RETRIES + 1} times, as the machine had none "
    f"left; {LESS_MEMORY}",
    "worker": f"its worker died {RETRIES + 1} times, without a word: the system ends what takes "
    f"too much memory in this way; {LESS_MEMORY}",
}


def cause_of_death(said: str) -> Cause:
    """Why a worker ended, by what Ray says: its node was lost, the memory, or nothing known."""
    if "low on memory" in said or "OutOfMemoryError" in said:  # torch's, Ray's, and our own
        return "memory"
    return (
        "node"
        if re.search(r"node (has died|was terminated)|its node is dead", said)
        else ("worker")
    )


def last_words(file: str | None) -> str:
    """What Ray wrote into a trial's error file of its last failure, as text: nothing in a storage
    is unpickled.
    """
    try:
        text = Path(file or "").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return text.rpartition("Failure # ")[2]
