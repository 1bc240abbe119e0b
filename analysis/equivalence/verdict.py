"""The three verdicts, and how they are said."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from analysis.wording import plural

__all__ = ["DIFFERENT", "EQUIVALENT", "UNDECIDED", "missing", "plain", "said"]

EQUIVALENT = "equivalent"
DIFFERENT = "different"
UNDECIDED = "undecided"


def said(verdict: str, needs: int | None = None, if_equal: int | None = None) -> str:
    """equivalent | different | undecided (needs n more seeds an arm, fewer if truly equal)."""
    if verdict != UNDECIDED:
        return verdict
    return f"{verdict} (needs {missing(needs, if_equal)})"


def missing(needs: int | None, if_equal: int | None = None) -> str:
    """How many seeds an arm would decide: as the difference was seen, and if there is none."""
    seeds = ("more than 1,000 seeds an arm" if needs is None else
             f"{plural(needs, 'more seed')} an arm")
    if if_equal is None or if_equal == needs:
        return seeds
    return f"{seeds}; if the two are truly equal, {if_equal} more"


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """JSON values: tuples as lists, what is not finite as None."""
    def one(value: Any) -> Any:
        if isinstance(value, float) and not math.isfinite(value):
            return None
        if isinstance(value, dict):
            return plain(value)
        return [one(v) for v in value] if isinstance(value, list | tuple) else value

    return {name: one(value) for name, value in values.items()}
