"""The bounds L_dvae and L_cvae beside log p(x), and whether they are in the true order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analysis.comparisons.bounds import EQUAL, Bound, OrderCheck, check_gaps
from analysis.figures.drawing import marks
from analysis.figures.drawing.curves import trial_settings
from analysis.figures.drawing.labels import hover, hover_template, label
from analysis.figures.drawing.style import canvas
from analysis.figures.drawing.view import Figure, NothingToDraw, View
from analysis.sources.schema import param_columns
from analysis.wording import model_name, number, plural, setting

__all__ = ["FIGURE", "DenoisingBounds", "checks", "draw", "info", "sentence"]

NAMES = {"dvae": "L_dvae", "cvae": "L_cvae", "log_p": "log p(x), at least"}
CLAIM, GAP = "L_cvae ≥ L_dvae", "bounds/cvae_minus_dvae"
ABOVE = "bounds/log_p_minus_cvae"
ORDER = (
    "The true order is log p(x) ≥ L_cvae ≥ L_dvae; Lemma 1 and Eq. 9 of Im et al. (2017, "
    "arXiv:1511.06406) state the reverse of the second inequality, against their own "
    "Proposition 2."
)
_ROWS = 40


@dataclass(frozen=True)
class DenoisingBounds:
    """table: columns trial, label, bound, value, se (Monte Carlo); nats per example."""

    table: pd.DataFrame
    caption: str


def info(view: View) -> DenoisingBounds:
    """The three bounds of every trial with the evaluation ``bounds``."""
    rows = _asked(view)
    if rows.empty:
        raise NothingToDraw(
            "No trial with a corrupted input was asked for its bounds.", relevant=False
        )
    table = pd.DataFrame(
        [
            {
                "trial": row["trial"],
                "label": label,
                "bound": name,
                "value": row[f"bounds/{key}"],
                "se": row.get(f"bounds/{key}_se"),
            }
            for (_, row), label in zip(rows.iterrows(), _labels(rows), strict=True)
            for key, name in NAMES.items()
            if f"bounds/{key}" in rows
        ]
    )
    left = f" The first {_ROWS} of {len(rows)} trials are drawn." * (len(rows) > _ROWS)
    return DenoisingBounds(
        table,
        "Estimates with their Monte-Carlo standard errors, normalising constants included. "
        f"{ORDER} {sentence(view)}{left}",
    )


def checks(view: View) -> list[OrderCheck]:
    """L_cvae ≥ L_dvae in each trial, from the gap's own Monte-Carlo error.

    That of log p(x) is not tested: its estimate is the log of a mean of the weights whose mean
    log is that of L_cvae, so it is the larger one whatever is true.
    """
    known = _asked(view)
    if not {GAP, f"{GAP}_se"} <= {*known}:
        return []
    gaps = known[[GAP, f"{GAP}_se"]].dropna().to_numpy(dtype=np.float64)
    return check_gaps(CLAIM, [Bound(*gap) for gap in gaps.tolist()])


def sentence(view: View) -> str:
    """In how many of the trials that can decide it L_cvae ≥ L_dvae holds, and the gap to log p.

    Empty if no trial has the bounds.
    """
    counts = Counter(one.verdict for one in checks(view))
    equal = counts.pop(EQUAL, 0)
    told = []
    if counts:
        verdicts = ", ".join(f"{name} in {n}" for name, n in sorted(counts.items()))
        family = f", Holm over {counts.total()}" * (counts.total() > 1)
        told.append(
            f"{CLAIM} {verdicts} of {plural(counts.total(), 'trial')} (one-sided tests at 5 %"
            f"{family})"
        )
    if equal:
        told.append(f"in {plural(equal, 'trial')} without corruption both are equal by definition")
    if not told:
        return ""
    return "; ".join([*told, *_above(_asked(view))]) + "."


def _above(rows: pd.DataFrame) -> list[str]:
    """By how much the estimate of log p(x) is above that of L_cvae."""
    gaps = rows[ABOVE].dropna() if ABOVE in rows else pd.Series(dtype=float)
    if gaps.empty:
        return []
    least, most = (number(float(end), 2) for end in (gaps.min(), gaps.max()))
    by = least if least == most else f"{least} to {most}"
    return [
        "log p(x) is estimated by a lower bound of its own, which is above L_cvae by construction "
        f"(here by {by} nats) and is not tested"
    ]


def _asked(view: View) -> pd.DataFrame:
    """The rows with bounds, ordered by setting and seed."""
    rows = view.finished
    if "bounds/dvae" not in rows:
        return rows.iloc[:0]
    asked = rows[rows["bounds/dvae"].notna()]
    return trial_settings(view)[["trial"]].merge(asked, on="trial")


def _labels(rows: pd.DataFrame) -> list[str]:
    """Labels of the rows: the model, and the fields that differ between them."""
    varied = [
        name
        for name in param_columns(rows)
        if name not in ("model", "seed") and rows[name].nunique(dropna=False) > 1
    ]
    return [
        ", ".join(
            [
                model_name(row["model"]),
                *(setting(name, row[name]) for name in varied if pd.notna(row[name])),
                f"seed {row['seed']:g}",
            ]
        )
        for _, row in rows.iterrows()
    ]


def draw(data: DenoisingBounds) -> go.Figure:
    """One line for each trial, one marker for each bound."""
    trials = list(dict.fromkeys(data.table["trial"]))[:_ROWS]
    shown = data.table[data.table["trial"].isin(trials)]
    labels = shown.drop_duplicates("trial")["label"]
    figure = canvas(130 + 30 * len(trials))
    for index, (name, part) in enumerate(shown.groupby("bound", sort=False)):
        figure.add_trace(
            _marks(part, [-trials.index(one) for one in part["trial"]], str(name), index)
        )
    figure.update_xaxes(title_text="bound (nats/example)", nticks=7)
    figure.update_yaxes(
        tickvals=[-k for k in range(len(trials))],
        showgrid=False,
        ticks="",
        ticktext=[
            label(one.replace(", seed", "\nseed") if len(trials) < 13 else one) for one in labels
        ],
        range=[-len(trials) + 0.4, 0.6],
    )
    return figure


def _marks(part: pd.DataFrame, place: list[int], name: str, index: int) -> go.Scatter:
    pointed = [
        hover(row.label, f"{name} {row.value:.2f} nats/example (standard error {row.se:.2g})")
        for row in part.itertuples()
    ]
    return go.Scatter(
        x=part["value"],
        y=place,
        mode="markers",
        name=name,
        text=pointed,
        error_x={"array": part["se"], "width": 0, "thickness": 1.6, "color": marks.colour(index)},
        hovertemplate=hover_template(),
        marker=marks.marker(index),
    )


FIGURE = Figure(
    "denoising_bounds", "Bounds of every trial that was asked", "bounds", 10, info, draw
)
