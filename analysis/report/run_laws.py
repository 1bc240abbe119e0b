"""The laws of a table of runs, and their figure, as a part of its report."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from analysis.figures.drawing.claims import Claim
from analysis.figures.drawing.families import Family
from analysis.figures.drawing.view import View
from analysis.figures.kl import draw
from analysis.figures.run_law import law_panel
from analysis.laws.group_laws import GroupLaw
from analysis.laws.law import Law
from analysis.report.part import Block, Part
from analysis.report.parts import law_table
from analysis.sources.columns import Columns
from analysis.sources.schema import Experiment
from analysis.sources.table import Table

__all__ = ["laws_part"]


def laws_part(table: Table, columns: Columns, found: Sequence[GroupLaw]) -> list[Part]:
    """The sentences and the table of all laws, and their figure."""
    x, y = str(columns.x), columns.y
    claims = tuple(_claim(one, table.name, x, y) for one in found)
    view = View(
        Experiment(table.name, table.frame, pd.DataFrame()), (Law(x, y),), claims, margin=0.1
    )
    panel = law_panel(claims, columns.seed)
    figure = Block(
        "laws",
        "figure.html",
        f"{y} against {x}",
        {"drawing": draw(panel), "caption": panel.caption},
        "law",
        panel.table.drop(columns=["hover", "hue"]),
        order=10,
    )
    return [law_table.part(view), Part(order=21, blocks=[figure])]


def _claim(found: GroupLaw, name: str, x: str, y: str) -> Claim:
    refusal = f"No law for this: {found.refusal}." if found.refusal else ""
    return Claim(x, y, Family(found.label or name, found.rows, {}), found.law, refusal)
