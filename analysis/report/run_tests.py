"""Comparisons of the groups of a table of runs, and tests of equivalence, for its report."""

from __future__ import annotations

from analysis.comparisons.reported import CHOSEN_LATER
from analysis.equivalence import Examined
from analysis.errors import TooFewRows
from analysis.figures.drawing.tested import Tested
from analysis.report.json_text import plain
from analysis.report.part import Block, Part, Statement
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


def comparisons_part(found: Tested, left: list[str]) -> list[Part]:
    """The pairs that differ, which no table declares, and a table for each group column."""
    every = [compared.Compared(one, by, "") for by, one in found.compared.items()]
    shown = compared.shown(*every)
    absent = [Block("compare", "absent.html", content=left)] * bool(left)
    later = CHOSEN_LATER * any(found.compared.values())
    said = [Statement(f"Post hoc: {later}, for a table declares none.")] * bool(later)
    return [shown, Part(51, said, blocks=absent, numbers={"compared_post_hoc": later})]


def equivalence_part(examined: Examined) -> Part:
    """The verdicts on every pair."""
    found = equivalences.Equivalences(examined)
    numbers = {
        "margin": examined.margin,
        "refusals": [],
        "verdicts": [plain(one.to_json()) for one in examined.verdicts["seeds"]],
    }
    return Part(
        order=30,
        statements=found.statements,
        blocks=list(equivalences.blocks(found, measures="")),
        numbers={"equivalence": numbers},
    )
