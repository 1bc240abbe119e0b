"""The result of one check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Finding", "Verdict"]

Verdict = Literal["ok", "note", "stop"]


@dataclass(frozen=True)
class Finding:
    """The result of a check, with the remedy.

    `verdict`: ``stop`` : a sweep would fail or not start; ``note`` : it may be affected; ``ok``.
    """

    name: str
    found: str
    verdict: Verdict = "ok"
    remedy: str = ""
