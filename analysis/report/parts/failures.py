"""The trials that failed or have not finished yet, with the reason of each."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

import pandas as pd

from analysis.figures.drawing.view import View
from analysis.report.json_text import records
from analysis.report.part import Block, Key, Part, Statement
from analysis.sources.schema import FINISHED
from analysis.sources.statuses import count_statuses, said_of_failed

__all__ = ["part"]

_SHOWN = 200
_WAITING = {"pending", "running"}  # which the table of all trials says


def part(view: View) -> Part:
    """The sentence on failed trials, how many finished, and the table of the others."""
    trials = view.experiment.trials
    frame, said = _frame(trials), said_of_failed(trials)
    rows = frame.sort_values("status").head(_SHOWN).to_dict("records")
    return Part(
        order=80,
        statements=[Statement(said, True)] * bool(said),
        keys=list(_keys(trials)),
        blocks=[_block(rows, frame, folded=not said)] * (not set(frame["status"]) <= _WAITING),
        numbers={"failed": records(frame)},
    )


def _block(rows: list[dict[Hashable, object]], frame: pd.DataFrame, folded: bool) -> Block:
    """The table; folded where no trial failed."""
    title = "Trials that are not finished"
    return Block("failed", "failures.html", title, rows, "failed", frame, folded=folded)


def _keys(trials: pd.DataFrame) -> Iterator[Key]:
    if len(trials):
        counts = count_statuses(trials["status"])
        failed = counts.get("failed", 0)
        yield Key(
            "trials finished",
            f"{counts.get(FINISHED, 0)} of {len(trials)}",
            f"{failed} failed" if failed else "none failed",
        )


def _frame(trials: pd.DataFrame) -> pd.DataFrame:
    """Trials that are not finished, with status, epoch and reason."""
    rows = trials[trials["status"] != FINISHED] if len(trials) else trials
    known = rows["reason"] if "reason" in rows else [None] * len(rows)
    reason = [
        text if isinstance(text, str) else _unreasoned(status)
        for text, status in zip(known, rows.get("status", []), strict=True)
    ]
    return pd.DataFrame(
        {
            "label": rows.get("label"),
            "trial": rows.get("trial"),
            "status": rows.get("status"),
            "epoch": rows.get("epoch"),
            "reason": reason,
        }
    )


def _unreasoned(status: str) -> str:
    told = {
        "pending": "not started",
        "running": "in training",
        "stopped": "the same command goes on with it",
    }
    return told.get(status, "no reason is stored")
