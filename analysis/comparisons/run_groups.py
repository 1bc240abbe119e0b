"""Groups of runs of any table: difference with interval, effect size, Holm's correction."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.comparisons.compare import compare_sides, in_family
from analysis.comparisons.comparison import Comparison, Groups
from analysis.sources.arms import Arms

__all__ = ["compare_runs"]


def compare_runs(arms: Sequence[Arms]) -> list[Comparison]:
    """The metric of every two arms, with one correction over all."""
    return in_family(
        [compare_sides(one.y, Groups(*one.wheres), dict(one.setting), one.rows) for one in arms]
    )
