"""One sentence of the summary."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Statement"]


@dataclass(frozen=True)
class Statement:
    """A sentence that a test allows; a warning asks for the reader's care."""

    text: str
    warning: bool = False
