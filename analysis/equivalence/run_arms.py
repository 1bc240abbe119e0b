"""Whether two groups of runs of any table came out the same: Welch's TOST over disjoint seeds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analysis.equivalence.seeds import SeedVerdict, compare_seeds
from analysis.equivalence.tost import require_margin
from analysis.equivalence.verdict import ALPHA
from analysis.sources.arms import Arms
from analysis.sources.columns import require_positive
from analysis.statistics.multiplicity import holm_levels

__all__ = ["examine_arms"]


def examine_arms(arms: Sequence[Arms], margin: float, logs: bool = True) -> list[SeedVerdict]:
    """A verdict on the metric of every two arms, which are one family (Holm).

    margin: of the log ratio, or, without `logs`, of the difference in the metric's units.
    Errors: AnalysisError for a margin that is not above zero; UnusableValues for a log ratio of
    values that are not positive.
    """
    require_margin(margin)
    asked = []
    for one in arms:
        for rows in one.rows if logs else ():
            require_positive(rows, [one.y], "a log ratio")
        frames = [rows.set_index(one.seed)[[one.y]] for rows in one.rows]
        asked.append((one.labels, frames))
    found = [compare_seeds(*one, margin, logs=logs) for one in asked]
    tested = [at for at, one in enumerate(found) if one.tests]
    levels = holm_levels(np.array([found[at].p for at in tested]), ALPHA)
    for at, level in zip(tested, levels, strict=True):
        found[at] = compare_seeds(*asked[at], margin, float(level), logs)
    return found
