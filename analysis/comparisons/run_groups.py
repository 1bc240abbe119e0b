"""Groups of runs of any table: difference with interval, effect size, Holm's correction."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from analysis.comparisons.compare import compare_sides, in_family
from analysis.comparisons.comparison import Comparison, Groups
from analysis.sources.arms import Arms

__all__ = ["compare_runs"]


def compare_runs(arms: Sequence[Arms]) -> list[Comparison]:
    """The metric of every two arms, with one correction over all."""
    return in_family(
        [compare_sides(one.y, Groups(*one.wheres), dict(one.setting), _sides(one)) for one in arms]
    )


def _sides(one: Arms) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Seed and metric alone, for no other column has a meaning of its own."""
    first, second = (
        pd.DataFrame({"seed": rows[one.seed], one.y: rows[one.y]}) for rows in one.rows
    )
    return first, second
