"""The hyperparameter that was chosen at each setting on the validation part, if one was."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.comparisons.choice import choose, declared_choice
from analysis.errors import AnalysisError
from analysis.figures.drawing.view import View
from analysis.report.json_text import records
from analysis.report.part import Block, Part, Statement
from analysis.wording import symbol

__all__ = ["part"]


def part(view: View) -> Part:
    """One sentence and a table of the chosen values."""
    found = view.choice
    if found is None:
        return Part(order=12, statements=list(_refused(view)))
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
    doubts = (found.training.remark, found.post_hoc, found.waiting, found.table["at_end"].any())
    warned = any(map(bool, doubts))
    return Part(
        order=12,
        statements=[Statement(found.sentence(), warned)],
        blocks=[block],
        numbers={"choices": records(found.table)},
    )


def _refused(view: View) -> Iterator[Statement]:
    """Why a declared choice could not be made."""
    declared = declared_choice(view.experiment.sweeps)
    if declared is None or view.experiment.trials.empty:
        return
    try:
        choose(view.experiment.trials, *declared)
    except AnalysisError as refusal:
        reason = str(refusal).rstrip(".")
        yield Statement(f"The {symbol(declared[0])} is not chosen yet: {reason}.", True)


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
