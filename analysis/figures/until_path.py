"""The interval of ν by number of seeds, while the stopping rule added seeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from analysis.figures.drawing import marks
from analysis.figures.drawing.labels import hover_template, label
from analysis.figures.drawing.style import canvas
from analysis.figures.drawing.view import Figure, NothingToDraw, View
from analysis.laws.added_seeds import few_meet
from analysis.wording import number

__all__ = ["FIGURE", "Looks", "draw", "info"]

ENDS = {
    "met": "The rule was met",
    "budget": "The budget of seeds was spent before the rule was met",
    "failed": "A trial failed before the rule was met",
    "refused": "The law could not be fitted",
}


@dataclass(frozen=True)
class Looks:
    """table: columns sweep, seeds, nu, ci_low, ci_high, halfwidth, wanted, most, end."""

    table: pd.DataFrame
    caption: str


def info(view: View) -> Looks:
    """One row for each test of the rule, of every sweep with ``until: {nu_halfwidth}``."""
    rows = [row for sweep in view.experiment.sweeps for row in _rows(sweep)]
    if not rows or view.experiment.trials.empty:
        raise NothingToDraw(
            "No path is known along which seeds were added until a law was sharp.", relevant=False
        )
    table = pd.DataFrame(rows)
    last = table.groupby("sweep", sort=False).tail(1)
    said = " ".join(_sentence(row) for _, row in last.iterrows())
    return Looks(
        table,
        "ν and its 95 % t interval of per-seed slopes each time that a seed had been added, with "
        f"the wanted half-width around the last ν. {said} The rule looks at the interval of this "
        "law alone, whatever else the report tests. An interval that was looked at before "
        "deciding to stop covers less than it says, so that of a law to which seeds were added, "
        "elsewhere in this report, is a t interval at 97.5 %: wider than the last one here, and "
        "maybe than was wanted. `python -m analysis.equivalence.error_rates` simulates what it "
        "covers.",
    )


def _rows(sweep: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    until = sweep.get("until") or {}
    rule = until.get("rule") or {}
    wanted = rule.get("nu_halfwidth")
    for step in until.get("path") or ():
        if wanted is not None and step.get("halfwidth") is not None:
            names = ("seeds", "nu", "ci_low", "ci_high", "halfwidth")
            yield {
                "sweep": str(sweep.get("sweep")),
                **{name: step[name] for name in names},
                "wanted": wanted,
                "most": rule["max_seeds"],
                "end": step.get("end"),
            }


def _sentence(row: pd.Series) -> str:
    end = ENDS.get(str(row["end"]), "The sweep has not ended yet")
    nu = f"{number(row['nu'])} ± {number(row['halfwidth'], 2)}"
    few = few_meet(row["wanted"], row["most"]) if row["end"] == "met" else ""
    told = f"{end}: {row['seeds']} seeds, ν = {nu} (95 %; wanted: ± {row['wanted']:g})"
    return "; ".join(filter(None, (told, few))) + "."


def draw(data: Looks) -> go.Figure:
    """ν with its interval against the number of seeds."""
    figure = canvas(380)
    for index, (sweep, part) in enumerate(data.table.groupby("sweep", sort=False)):
        last = part.iloc[-1]
        for sign in (-1, 1):
            level = last["nu"] + sign * last["wanted"]
            figure.add_trace(
                marks.line(
                    part["seeds"],
                    [level] * len(part),
                    str(sweep),
                    index,
                    showlegend=False,
                    dash="dot",
                )
            )
        figure.add_trace(
            go.Scatter(
                x=part["seeds"],
                y=part["nu"],
                name=label(sweep),
                mode="markers",
                marker={"color": marks.colour(index), "size": 8},
                error_y={
                    "type": "data",
                    "symmetric": False,
                    "array": part["ci_high"] - part["nu"],
                    "arrayminus": part["nu"] - part["ci_low"],
                    "color": marks.colour(index),
                },
                hovertemplate=hover_template("%{x} seeds: ν = %{y:.4g}"),
            )
        )
    figure.update_xaxes(title_text="seeds", dtick=1 if len(data.table) < 20 else None)
    figure.update_yaxes(title_text="ν (no unit)")
    return figure


FIGURE = Figure("until_path", "The law's interval while seeds were added", "laws", 90, info, draw)
