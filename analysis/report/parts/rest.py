"""Whether each trial still moves at the end of its training: the count, and a table.

Also how a rule that trains on until ν is at rest has ended.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping

import pandas as pd

from analysis.figures.drawing.view import View
from analysis.report.json_text import records
from analysis.report.part import Block, Part, Statement
from analysis.training.rule import rule_sentences
from analysis.training.stationarity import LARGE, QUANTITIES, SMALL, stationarity
from analysis.training.verdicts import CONVERGED, DRIFTING, LEAST_STEPS, UNTRAINED
from analysis.wording import listed, number, plural

__all__ = ["part"]

_NAMES = ("log KL", "log reconstruction error", "log |ELBO|", "log |objective|")
_SHOWN = 200
_WORST = (UNTRAINED, DRIFTING, CONVERGED)


def part(view: View) -> Part:
    """The verdict on every finished trial; nothing where no history is known."""
    known = stationarity(view.experiment)
    if known.empty:
        return Part(order=15)
    labels = view.experiment.trials.set_index("trial")["label"]
    table = known.assign(label=known["trial"].map(labels)).sort_values(
        ["verdict", "label"], key=lambda column: column.map(_place), ignore_index=True
    )
    return Part(
        order=29,
        statements=[
            _counted(table["verdict"], [shown for _, shown in _names(table)]),
            *map(Statement, rule_sentences(view.experiment.sweeps)),
        ],
        blocks=[_block(table)],
        numbers={"training": records(table)},
    )


def _place(value: object) -> object:
    return str(_WORST.index(value)) if value in _WORST else str(value)


def _names(table: pd.DataFrame) -> list[tuple[str, str]]:
    """The quantities that any of the trials has, with their names."""
    every = zip(QUANTITIES, _NAMES, strict=True)
    return [(name, shown) for name, shown in every if table[f"{name}_change"].notna().any()]


def _counted(verdicts: pd.Series[str], names: list[str]) -> Statement:
    still, short = int((verdicts == CONVERGED).sum()), int((verdicts == UNTRAINED).sum())
    rule = (
        f"{listed(names or ['their metrics'])} change{'s' * (len(names) == 1)} by less than "
        f"{100 * SMALL:g} % over the last fifth of training"
    )
    if still == len(verdicts):
        every = "The trial has" if still == 1 else f"All {still} trials have"
        return Statement(f"{every} converged: {rule}.")
    drift = len(verdicts) - still - short
    said = f"{still} of {plural(len(verdicts), 'trial')} {_have(still)} converged ({rule})"
    said += f"; {drift} {_have(drift)} not, or may not have" if drift else ""
    if short:
        said += (
            f"; {short} {'is' if short == 1 else 'are'} not trained (a change of more than "
            f"{100 * LARGE:g} %, or fewer than {LEAST_STEPS} measured epochs): no comparison "
            "with them is claimed"
        )
    return Statement(f"{said}.", True)


def _have(count: int) -> str:
    return "has" if count == 1 else "have"


def _block(table: pd.DataFrame) -> Block:
    names = _names(table)
    content = {
        "columns": [shown for _, shown in names],
        "rows": [_row(row, [name for name, _ in names]) for row in table.to_dict("records")],
        "shown": _SHOWN,
    }
    return Block(
        "summary",
        "rest.html",
        "How far each trial was trained",
        content,
        "training",
        table,
        order=120,
        folded=True,
    )


def _row(row: Mapping[Hashable, object], names: list[str]) -> dict[str, object]:
    changes = [tuple(row[f"{name}_{end}"] for end in ("change", "se")) for name in names]
    return {
        "label": row["label"],
        "epochs": row["epochs"],
        "verdict": row["verdict"],
        "good": {CONVERGED: True, UNTRAINED: False}.get(str(row["verdict"])),
        "changes": [_change(float(str(change)), float(str(se))) for change, se in changes],
    }


def _change(change: float, se: float) -> str:
    if not math.isfinite(change):
        return ""
    return f"{number(change, 2)}" + (f" (se {number(se, 2)})" if math.isfinite(se) else "")
