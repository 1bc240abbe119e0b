"""One thing that was looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Finding", "Verdict"]

Verdict = Literal["ok", "note", "stop"]


@dataclass(frozen=True)
class Finding:
    """What was found, and what to do about it.

    `verdict`: ``stop`` would end a sweep or keep it from starting, ``note`` may matter, ``ok``
    does not.
    """

    name: str
    found: str
    verdict: Verdict = "ok"
    remedy: str = ""
