"""The hyperparameter that was chosen at each setting on the validation part, if one was."""

from __future__ import annotations

from analysis.comparisons.choice import declared_choice
from analysis.figures.drawing.view import View
from analysis.report.json_text import records
from analysis.report.part import Block, Part, Statement
from analysis.wording import symbol

__all__ = ["part"]


def part(view: View) -> Part:
    """One sentence and a table of the chosen values."""
    found, declared = view.choice, declared_choice(view.experiment.sweeps)
    if found is None:
        none = "The {} is to be chosen by {}, which no finished trial has yet."
        said = [Statement(none.format(symbol(declared[0]), declared[1]), True)] if declared else []
        return Part(order=12, statements=said)
    block = Block(
        "results",
        "choices.html",
        f"The {symbol(found.over)} that was chosen",
        {
            "columns": [symbol(str(name)) for name in found.table],
            "rows": found.table.map(_text).to_numpy().tolist(),
        },
        "choices",
        found.table,
        folded=True,
    )
    warned = bool(found.training.remark or found.post_hoc or found.table["at_end"].any())
    return Part(
        order=12,
        statements=[Statement(found.sentence(), warned)],
        blocks=[block],
        numbers={"choices": records(found.table)},
    )


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return (
        ""
        if value is None or value != value
        else f"{value:.5g}"
        if isinstance(value, float)
        else str(value)
    )
