"""What the report of a table of runs claims: laws, comparisons and tests of equivalence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from analysis.comparisons.run_groups import compare_runs
from analysis.equivalence import Examined
from analysis.equivalence.run_arms import examine_arms
from analysis.figures.drawing.claims import Claim
from analysis.figures.drawing.families import Family
from analysis.figures.drawing.tested import Tested
from analysis.laws.group_laws import GroupLaw
from analysis.sources.arms import Arms
from analysis.sources.columns import Columns
from analysis.sources.table import Table

__all__ = ["law_claims", "tested"]


def law_claims(table: Table, columns: Columns, found: Sequence[GroupLaw]) -> tuple[Claim, ...]:
    """The laws of the groups, each with the rows that it is about."""
    return tuple(_claim(one, table.name, str(columns.x), columns.y) for one in found)


def _claim(found: GroupLaw, name: str, x: str, y: str) -> Claim:
    refusal = f"No law for this: {found.refusal}." if found.refusal else ""
    return Claim(x, y, Family(found.label or name, found.rows, {}), found.law, refusal)


def tested(
    claims: Sequence[Claim], pairs: Mapping[str, list[Arms]], margin: float | None, logs: bool
) -> Tested:
    """Laws, comparisons of all pairs and, with a margin, tests of equivalence, as one family.

    margin: of the log ratio, or, without `logs`, of the difference.
    """
    compared = {by: tuple(compare_runs(arms)) for by, arms in pairs.items()}
    examined = Examined()
    if margin is not None:
        arms = [one for every in pairs.values() for one in every]
        examined = Examined({"seeds": examine_arms(arms, margin, logs)}, margin=margin)
    return Tested(tuple(claims), (), compared, examined).in_one_family()
