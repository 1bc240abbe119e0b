"""Comparisons of the groups of a table of runs, and tests of equivalence, for its report."""

from __future__ import annotations

from analysis.comparisons.run_groups import compare_runs
from analysis.equivalence import Examined
from analysis.equivalence.run_arms import examine_arms
from analysis.errors import TooFewRows
from analysis.report.json_text import plain
from analysis.report.part import Block, Part
from analysis.report.parts import compared, equivalences
from analysis.sources.arms import Arms, every_pair
from analysis.sources.columns import Columns
from analysis.sources.table import Table

__all__ = ["comparisons_part", "equivalence_part", "group_pairs"]


def group_pairs(table: Table, columns: Columns) -> tuple[dict[str, list[Arms]], list[str]]:
    """By group column, every pair of its values; and why a column has none.

    Nothing without a seed column: then nothing tells repetitions from settings.
    """
    found: dict[str, list[Arms]] = {}
    left: list[str] = []
    for by in columns.group if columns.seed else ():
        try:
            found[by] = every_pair(table, by, columns)
        except TooFewRows as reason:
            left.append(f"Values of {by} are not compared: {reason}.")
    return found, left


def comparisons_part(pairs: dict[str, list[Arms]], left: list[str]) -> list[Part]:
    """The pairs that differ, and a table for each group column."""
    found = {by: compare_runs(arms) for by, arms in pairs.items()}
    parts = [compared.shown(compared.Compared(every, by)) for by, every in found.items()]
    numbers = {"compared": [plain(one.to_json()) for every in found.values() for one in every]}
    absent = [Block("compare", "absent.html", content=left)] * bool(left)
    return [*parts, Part(order=51, blocks=absent, numbers=numbers)]


def equivalence_part(pairs: dict[str, list[Arms]], margin: float, logs: bool) -> Part:
    """The verdicts on every pair, with a margin of the log ratio or of the difference."""
    arms = [one for every in pairs.values() for one in every]
    verdicts = examine_arms(arms, margin, logs)
    found = equivalences.Equivalences(Examined({"seeds": verdicts}, margin=margin))
    numbers = {
        "margin": margin,
        "refusals": [],
        "verdicts": [plain(one.to_json()) for one in verdicts],
    }
    return Part(
        order=30,
        statements=found.statements,
        blocks=list(equivalences.blocks(found, measures="")),
        numbers={"equivalence": numbers},
    )
