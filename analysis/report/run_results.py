"""What a table of runs holds: counts, the settings in order, and where it comes from."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from analysis.comparisons.goals import better
from analysis.report.json_text import records
from analysis.report.part import Block, Part, Statement
from analysis.sources.columns import Columns
from analysis.sources.table import Table
from analysis.statistics.means import mean_estimate
from analysis.wording import listed, number, plural, quantity, setting

__all__ = ["counts_part", "headline", "ranking_part", "source_part"]

_SHOWN = 200
_OPEN = 12


def headline(table: Table, columns: Columns) -> str:
    """Runs, seeds and the file's SHA-256 in one line."""
    seeds = plural(table.frame[columns.seed].nunique(), "seed") if columns.seed else ""
    digest = table.facts.get("SHA-256", "")[:12]
    said = [plural(table.count, "run"), seeds, table.name, f"SHA-256 {digest}" if digest else ""]
    return " · ".join(text for text in said if text)


def counts_part(table: Table, columns: Columns) -> Part:
    """How many runs there are, and what was left out or chosen."""
    chosen = listed([setting(name, value) for name, value in table.where.items()])
    text = f"{plural(table.count, 'run')} of {table.name}"
    text += f" with {chosen}" if chosen else ""
    text += f", in groups by {listed(columns.group)}" if columns.group else ""
    notes = [Statement(f"{note}.", True) for note in table.notes]
    numbers = {"runs": table.count, "notes": list(table.notes)}
    return Part(order=10, statements=[Statement(f"{text}."), *notes], numbers=numbers)


def ranking_part(table: Table, columns: Columns) -> Part:
    """The mean of y at every setting, the best first; the intervals over seeds hold at once."""
    frame = _ranked(table.frame, columns)
    y = columns.y
    content = {
        "columns": [quantity(y)],
        "rows": [
            {"setting": row["setting"], "n": row["n"], "reached": [_spread(row, y)]}
            for _, row in frame.head(_SHOWN).iterrows()
        ],
        "chosen": False,
        "at_once": len(frame),
        "units": f"The {'largest' if better(y) == 'max' else 'smallest'} {y} stands first"
        + "; the intervals hold also for the setting that one chooses" * (len(frame) > 1)
        + ".",
    }
    block = Block(
        "results",
        "results.html",
        "Settings in order",
        content,
        "results",
        frame,
        folded=len(frame) > _OPEN,
    )
    return Part(order=60, blocks=[block], numbers={"results": records(frame)})


def _ranked(rows: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    names, y = columns.setting, columns.y
    found = []
    groups = list(rows.groupby(names)) if names else [((), rows)]
    for setting_values, group in groups:
        values = group[y].to_numpy(dtype=np.float64)
        mean = mean_estimate(values, "t").simultaneous(len(groups))
        at = [setting(name, value) for name, value in zip(names, setting_values, strict=True)]
        found.append(
            {
                "setting": ", ".join(at) or "all",
                "n": len(group),
                y: mean.value,
                f"{y}_low": mean.low,
                f"{y}_high": mean.high,
            }
        )
    upwards = better(y) == "min"
    return pd.DataFrame(found).sort_values(y, ascending=upwards, ignore_index=True)


def _spread(row: pd.Series, y: str) -> str:
    half = (row[f"{y}_high"] - row[f"{y}_low"]) / 2
    return number(row[y], 4) + (f" ± {number(half, 2)}" if math.isfinite(half) else "")


def source_part(table: Table) -> Part:
    """Where the runs come from, and all of them."""
    content = {"facts": dict(table.facts), "commands": []}
    name = "run"
    while name in table.frame:  # no name of a column has a meaning of its own
        name += "_"
    runs = table.frame.reset_index(names=name)
    block = Block("provenance", "provenance.html", "", content, "runs", runs)
    return Part(order=120, blocks=[block], numbers={"provenance": content["facts"]})
