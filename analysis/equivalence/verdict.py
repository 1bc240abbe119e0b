"""The verdicts of equivalence tests, and their wording."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from analysis.training.verdicts import CONVERGED, UNTRAINED, Trained
from analysis.wording import plural, probability

__all__ = [
    "AGREE",
    "ALIKE",
    "ALPHA",
    "DIFFERENT",
    "EQUIVALENT",
    "LEAST_SEEDS",
    "UNDECIDED",
    "UNKNOWN",
    "UNUSABLE",
    "divided",
    "floor",
    "licensed",
    "missing",
    "plain",
    "repeated",
    "said",
    "tested_at",
]

EQUIVALENT = "equivalent"
ALIKE = "alike so far"  # within the margin, and training is not shown to have converged
AGREE = "within the margin as measured"  # within the margin, and nothing is known of the training
DIFFERENT = "different"
UNDECIDED = "undecided"
UNUSABLE = "unusable"

UNKNOWN = "whether training had converged is unknown"
ALPHA = 0.05  # level of an equivalence test that is not repeated
LEAST_SEEDS = 5  # per arm; with fewer the verdict is undecided


def licensed(verdict: str, training: Trained) -> str:
    """The verdict that training allows: equivalence takes convergence, and any claim training.

    Of runs whose histories are not known, a table's, it is only said that they agree as measured.
    """
    if training.verdict == UNTRAINED and verdict != UNUSABLE:
        return UNTRAINED
    if verdict != EQUIVALENT or training.verdict == CONVERGED:
        return verdict
    return AGREE if training.verdict is None else ALIKE


def said(
    verdict: str,
    needs: int | None = None,
    if_equal: int | None = None,
    dealt: bool = False,
    training: Trained | None = None,
) -> str:
    """The verdict in words: with the further seeds needed if undecided, and the training."""
    if verdict == UNDECIDED:
        return f"{verdict} (needs {missing(needs, if_equal, dealt)})"
    if verdict == AGREE:
        return f"within the margin at the measured point; {UNKNOWN}"
    remark = training.remark if training and verdict != UNUSABLE else ""
    return f"{verdict} ({remark})" if remark else verdict


def floor(verdict: str, seeds: int) -> str:
    """A phrase on the least number of seeds, where an undecided test has fewer an arm."""
    few = verdict == UNDECIDED and seeds < LEAST_SEEDS
    return f"; fewer than {LEAST_SEEDS} seeds an arm decide nothing" * few


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


def tested_at(alpha: float, p_holm: float) -> str:
    """``; each side tested at 1.25 %, Holm p = 0.020``: why an interval has the level that it has.

    alpha: level of the one-sided tests, whose interval is that of 1 − 2·alpha.
    """
    corrected = f", Holm {probability(p_holm)}" * math.isfinite(p_holm)
    return f"; each side tested at {100 * alpha:.3g} %{corrected}"


def divided(dealt: bool) -> str:
    """A phrase on disjoint seeds of two arms that were trained with the same seeds."""
    return " (common seeds divided between them)" * dealt


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
