"""Collapse of all β onto one curve: KL against the effective noise level σ√β (α: αβ)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analysis.equivalence import CollapseVerdict, Kin, families
from analysis.figures.drawing import marks
from analysis.figures.drawing.labels import hover, label
from analysis.figures.drawing.palette import MUTED
from analysis.figures.drawing.style import canvas, log_axes, stack
from analysis.figures.drawing.view import Figure, NothingToDraw, View
from analysis.wording import model_name, setting, symbol

__all__ = ["FIGURE", "Effective", "draw", "info"]

_ACTING = {0.5: "√β", 1.0: "β"}
_PANELS = 6


@dataclass(frozen=True)
class Effective:
    """The data of the figure.

    table: columns panel, axis (σ√β or αβ), series, kind (measured or curve), x (its value), y
    (KL), beta, seed, trial, hover, link. One panel for each set of comparable trials.
    """

    table: pd.DataFrame
    caption: str


def info(view: View) -> Effective:
    """The finished trials of each model that was trained at more than one β."""
    trials = view.finished
    if not {"beta", "test/kl"} <= set(trials.columns):
        raise NothingToDraw("No finished trial has both β and KL.", relevant=False)
    trials = trials[(trials["test/kl"] > 0) & (trials["beta"] > 0)]
    found = [kin for kin in families(trials) if kin.rows["beta"].nunique() > 1]
    if not found:
        raise NothingToDraw(
            "All finished trials of a model have the same β, so there is no "
            "collapse of β to test.",
            relevant=False,
        )
    verdicts = _verdicts(view)
    parts = [part for kin in found[:_PANELS] for part in _panel(view, kin, verdicts)]
    shared = (
        " Trials of one seed at one effective noise start alike and so fall together: only "
        "the test, on disjoint seeds, is evidence." * any(one.dealt for one in verdicts)
    )
    left = (
        f" The first {_PANELS} of {len(found)} groups of trials are drawn."
        if len(found) > _PANELS
        else ""
    )
    return Effective(
        pd.concat(parts, ignore_index=True),
        "Each point is one trial. If β acts through σ√β (αβ for Laplace "
        "models) alone, all points of a panel lie on one curve; the test allows the curve "
        f"(grey) to bend.{shared}{left}",
    )


def _verdicts(view: View) -> list[CollapseVerdict]:
    found = view.tested.examined.verdicts.get("collapse", ())
    return [one for one in found if isinstance(one, CollapseVerdict)]


def _panel(view: View, kin: Kin, verdicts: list[CollapseVerdict]) -> Iterator[pd.DataFrame]:
    """The trials of one panel, and the curve of its test if there is one."""
    name = ", ".join(
        dict.fromkeys([model_name(kin.rows["model"].iloc[0]), *filter(None, [kin.where])])
    )
    axis = f"{symbol(kin.x)}{_ACTING.get(kin.exponent, f'·β^{kin.exponent:g}')}"
    yield _measured(view, kin).assign(panel=name, axis=axis)
    for one in verdicts:
        if (one.x, one.where) == (kin.x, kin.where) and np.isfinite(one.curve).all():
            at = np.geomspace(kin.effective.min(), kin.effective.max(), 60)
            curve = np.exp(np.polynomial.polynomial.polyval(np.log(at), one.curve))
            yield pd.DataFrame(
                {
                    "panel": name,
                    "axis": axis,
                    "series": "bent curve of the test",
                    "kind": "curve",
                    "x": at,
                    "y": curve,
                }
            )


def _measured(view: View, kin: Kin) -> pd.DataFrame:
    rows = kin.rows
    pointed = [
        hover(
            model_name(model),
            f"{setting(kin.x, noise)}, β = {beta:g}, seed {seed:g}",
            f"KL {kl:.4g} nats/example",
        )
        for model, noise, beta, seed, kl in zip(
            rows["model"], rows[kin.x], rows["beta"], rows["seed"], rows["test/kl"], strict=True
        )
    ]
    return pd.DataFrame(
        {
            "series": rows["beta"].map(lambda value: f"β = {value:g}"),
            "kind": "measured",
            "x": kin.effective,
            "y": rows["test/kl"],
            "beta": rows["beta"],
            "seed": rows["seed"],
            "trial": rows["trial"],
            "hover": pointed,
            "link": view.links(rows),
        }
    )


def draw(data: Effective) -> go.Figure:
    """Panels one below another with log-log axes; a colour and marker for each β."""
    table = data.table
    panels = table[["panel", "axis"]].drop_duplicates().itertuples(index=False, name=None)
    every = {beta: index for index, beta in enumerate(sorted(table["beta"].dropna().unique()))}
    titles = [(str(panel), f"effective noise level {axis} (data units)") for panel, axis in panels]
    figure = canvas(90 + 330 * len(titles))
    places = stack(figure, [(title, "KL (nats/example)") for _, title in titles])
    shown: set[float] = set()
    for (panel, _), place in zip(titles, places, strict=True):
        part = table[table["panel"] == panel]
        for trace in _traces(part, every, shown):
            figure.add_trace(trace.update(**place))
        log_axes(figure, place, part)
        _title(figure, panel, place)
    return figure


def _traces(
    part: pd.DataFrame, every: dict[float, int], shown: set[float]
) -> Iterator[go.Scatter]:
    """The curve, then the points of each β; the legend of all panels has each β once.

    Points of larger β are drawn first and larger, so that coinciding points are all visible.
    """
    curve = part[part["kind"] == "curve"]
    if len(curve):
        yield marks.line(
            curve["x"],
            curve["y"],
            "bent curve of the test",
            0,
            color=MUTED,
            width=1.6,
            showlegend=False,
        )
    measured = part[part["kind"] == "measured"]
    for beta, rows in sorted(measured.groupby("beta"), reverse=True):
        index = every[float(str(beta))]
        trace = marks.points(rows, f"β = {beta:g}", index, size=min(8 + 3 * index, 14))
        yield trace.update(showlegend=beta not in shown, legendrank=index)
        shown.add(float(str(beta)))


def _title(figure: go.Figure, panel: str, place: dict[str, str]) -> None:
    figure.add_annotation(
        text=label(panel),
        xref=f"{place['xaxis']} domain",
        x=1,
        yref=f"{place['yaxis']} domain",
        y=1,
        xanchor="right",
        yanchor="top",
        showarrow=False,
        font={"size": 13},
    )


FIGURE = Figure("alias_collapse", "One curve for every β", "equivalence", 30, info, draw)
