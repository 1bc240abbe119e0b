"""The three verdicts, and how they are said."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

__all__ = ["DIFFERENT", "EQUIVALENT", "UNDECIDED", "plain", "said"]

EQUIVALENT = "equivalent"
DIFFERENT = "different"
UNDECIDED = "undecided"


def said(verdict: str, needs: int | None = None) -> str:
    """equivalent | different | undecided (needs n more seeds)."""
    if verdict != UNDECIDED or needs is None:
        return verdict
    seeds = "1 more seed" if needs == 1 else f"{needs} more seeds"
    return f"{verdict} (needs {seeds} an arm)"


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """JSON values: tuples as lists, what is not finite as None."""
    def one(value: Any) -> Any:
        if isinstance(value, float) and not math.isfinite(value):
            return None
        if isinstance(value, dict):
            return plain(value)
        return [one(v) for v in value] if isinstance(value, list | tuple) else value

    return {name: one(value) for name, value in values.items()}
