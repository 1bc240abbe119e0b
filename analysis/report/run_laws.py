"""The laws of a table of runs, and their figure, as a part of its report."""

from __future__ import annotations

import pandas as pd

from analysis.figures.drawing.tested import Tested
from analysis.figures.drawing.view import View
from analysis.figures.kl import draw
from analysis.figures.run_law import law_panel
from analysis.laws.group_laws import NOT_DECLARED
from analysis.laws.law import Law
from analysis.report.part import Block, Part, Statement
from analysis.report.parts import law_table
from analysis.sources.columns import Columns
from analysis.sources.schema import Experiment
from analysis.sources.table import Table

__all__ = ["laws_part"]


def laws_part(table: Table, columns: Columns, tested: Tested) -> list[Part]:
    """The sentences and the table of all laws, and their figure; nothing without laws."""
    if not tested.claims:
        return []
    x, y = str(columns.x), columns.y
    view = View(
        Experiment(table.name, table.frame, pd.DataFrame()), (Law(x, y),), tested, margin=0.1
    )
    panel = law_panel(tested.claims, columns.seed)
    figure = Block(
        "laws",
        "figure.html",
        f"{y} against {x}",
        {"drawing": draw(panel), "caption": panel.caption},
        "law",
        panel.table.drop(columns=["hover", "hue"]),
        order=10,
    )
    said = Statement(f"Post hoc: {NOT_DECLARED}.")
    return [law_table.part(view), Part(order=21, statements=[said], blocks=[figure])]
