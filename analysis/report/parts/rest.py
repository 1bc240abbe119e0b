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
from analysis.training import LEAST_STEPS
from analysis.training.rule import rule_sentences
from analysis.training.stationarity import LARGE, QUANTITIES, SMALL, stationarity
from analysis.training.verdicts import CONVERGED, DRIFTING, OPEN, UNTRAINED, WORST, counted
from analysis.wording import listed, number, plural

__all__ = ["part"]

_NAMES = ("log KL", "log reconstruction error", "log |ELBO|", "log |objective|")
_SHOWN = 10  # the worst; the CSV file has all


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
            _counted(table["verdict"]),
            *map(Statement, rule_sentences(view.experiment.sweeps)),
        ],
        blocks=[_block(table)],
        numbers={"training": records(table)},
    )


def _place(value: object) -> object:
    return str(WORST.index(str(value))) if value in WORST else str(value)


def _names(table: pd.DataFrame) -> list[tuple[str, str]]:
    """The quantities that any of the trials has, with their names."""
    every = zip(QUANTITIES, _NAMES, strict=True)
    return [(name, shown) for name, shown in every if table[f"{name}_change"].notna().any()]


def _counted(verdicts: pd.Series[str]) -> Statement:
    count = {one: int((verdicts == one).sum()) for one in WORST}
    still, every = count[CONVERGED], len(verdicts)
    if still == every:
        all_of = "The trial has" if still == 1 else f"All {still} trials have"
        return Statement(f"{all_of} converged.")
    have = "has" if 1 in (still, every) else "have"
    said = [f"{still} of {plural(every, 'trial')} {have} converged"]
    said += [counted(count[one], one) for one in (DRIFTING, OPEN) if count[one]]
    if short := count[UNTRAINED]:
        said.append(f"{counted(short, UNTRAINED)}: no comparison with them is claimed")
    return Statement(f"{'; '.join(said)}.", True)


def _rule(names: list[str]) -> str:
    """When a trial is converged, and when it is not trained."""
    return (
        f"Converged: {listed(names or ['every metric'])} change{'s' * (len(names) < 2)} by less "
        f"than {SMALL:g} (about {100 * SMALL:g} %) over the last fifth of training. Not trained: "
        f"by more than {LARGE:g}, or fewer than {LEAST_STEPS} measured epochs."
    )


def _block(table: pd.DataFrame) -> Block:
    names = _names(table)
    content = {
        "columns": [shown for _, shown in names],
        "rows": [_row(row, [name for name, _ in names]) for row in table.to_dict("records")],
        "shown": _SHOWN,
        "rule": _rule([shown for _, shown in names]),
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
