"""Whether two groups of runs of any table came out the same: Welch's TOST over disjoint seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from analysis.equivalence.seeds import SeedVerdict, compare_seeds, in_family
from analysis.equivalence.tost import require_margin
from analysis.sources.arms import Arms
from analysis.sources.columns import require_positive

__all__ = ["GIVEN", "examine_arms"]

GIVEN = "the margin was chosen after the run"


def examine_arms(arms: Sequence[Arms], margin: float, logs: bool = True) -> list[SeedVerdict]:
    """A verdict on the metric of every two arms, which are one family (Holm).

    margin: of the log ratio, or, without `logs`, of the difference in the metric's units. No
    table declares one, so that it is called post hoc.
    Errors: AnalysisError for a margin that is not above zero; UnusableValues for a log ratio of
    values that are not positive.
    """
    require_margin(margin)
    found = []
    for one in arms:
        for rows in one.rows if logs else ():
            require_positive(rows, [one.y], "a log ratio")
        frames = [rows.set_index(one.seed)[[one.y]] for rows in one.rows]
        found.append(compare_seeds(one.labels, frames, margin, logs=logs))
    return [replace(one, post_hoc=GIVEN) for one in in_family(found)]
