"""The verdicts of equivalence tests, and their wording."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from analysis.wording import plural

__all__ = [
    "ALPHA",
    "DIFFERENT",
    "EQUIVALENT",
    "LEAST_SEEDS",
    "UNDECIDED",
    "UNUSABLE",
    "missing",
    "plain",
    "repeated",
    "said",
]

EQUIVALENT = "equivalent"
DIFFERENT = "different"
UNDECIDED = "undecided"
UNUSABLE = "unusable"

ALPHA = 0.05  # level of an equivalence test that is not repeated
LEAST_SEEDS = 5  # per arm; with fewer the verdict is undecided


def said(
    verdict: str, needs: int | None = None, if_equal: int | None = None, dealt: bool = False
) -> str:
    """The verdict in words: equivalent, different, or undecided with the further seeds needed."""
    if verdict != UNDECIDED:
        return verdict
    return f"{verdict} (needs {missing(needs, if_equal, dealt)})"


def missing(needs: int | None, if_equal: int | None = None, dealt: bool = False) -> str:
    """A phrase on the seeds per arm that would decide the test, from `seeds_missing`.

    dealt: both arms were trained with the same seeds, so that each arm uses half of new ones.
    """
    seeds = (
        "more than 1,000 seeds an arm" if needs is None else f"{plural(needs, 'more seed')} an arm"
    )
    if dealt and needs is not None:
        seeds += f", {2 * needs} in all, as both arms share their seeds"
    if if_equal is None or if_equal == needs:
        return seeds
    grid = f" ({2 * if_equal} in all)" if dealt else ""
    return f"{seeds}; if the two are truly equal, {if_equal} more{grid}"


def repeated(copies: int) -> str:
    """A phrase on the seeds that are not counted because they are copies."""
    return (
        f"{plural(copies, 'more seed')} that only repeat{'s' * (copies == 1)} the numbers of "
        "another"
    )


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values for JSON: tuples as lists, NaN and infinity as None."""

    def one(value: Any) -> Any:
        if isinstance(value, float) and not math.isfinite(value):
            return None
        if isinstance(value, dict):
            return plain(value)
        return [one(v) for v in value] if isinstance(value, list | tuple) else value

    return {name: one(value) for name, value in values.items()}
