"""The rate-distortion plane: recon against KL, all models, with the linear theory."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from analysis.figures.drawing import marks
from analysis.figures.drawing.labels import hover
from analysis.figures.drawing.style import canvas, log_axes, stack
from analysis.figures.drawing.theory import effective, theory_curve, theory_lines
from analysis.figures.drawing.view import Figure, NothingToDraw, View
from analysis.sources.noise import noise_levels
from analysis.wording import model_name, setting

__all__ = ["FIGURE", "Plane", "draw", "info"]

_NEITHER = "No finished trial has both KL and a reconstruction error."
SQUARED, ABSOLUTE = "squared", "absolute"
_NOISY = ("noisy_vae", "uvb")
_SHOWN = ("beta", "d_z", "seed")
_TITLES = {SQUARED: "recon (data units²/example)", ABSOLUTE: "recon, L1 (data units/example)"}


@dataclass(frozen=True)
class Plane:
    """table: columns series, kind, error (squared or absolute), x (KL), y (recon), ..."""

    table: pd.DataFrame
    caption: str


def info(view: View) -> Plane:
    """One point for each finished trial with KL and recon, grouped by model and β."""
    trials = view.finished
    if not {"test/kl", "test/recon"} <= set(trials.columns):
        raise NothingToDraw(_NEITHER, relevant=False)
    trials = trials[(trials["test/kl"] > 0) & (trials["test/recon"] > 0)]
    if trials.empty:
        raise NothingToDraw(_NEITHER, relevant=False)
    parts = [_measured(view, part, name) for name, part in trials.groupby(_names(trials))]
    caption = "Lower left: a shorter code and a better picture."
    if trials["model"].isin(_NOISY).any():
        caption += (
            " Models of noisy data have the noise in their error as well, so it is not "
            "that of the others."
        )
    gaussian = trials.assign(sigma=effective(trials)) if "sigma" in trials else trials
    theory = theory_curve(view, gaussian, "sigma")
    if theory is not None:
        parts.append(theory.assign(error=SQUARED, x=theory["kl"], y=theory["recon"]))
    return Plane(pd.concat(parts, ignore_index=True), caption)


def _names(trials: pd.DataFrame) -> pd.Series:
    beta = trials["beta"].fillna(1.0) if "beta" in trials else pd.Series(1.0, trials.index)
    return trials["model"].map(model_name) + beta.map(
        lambda value: "" if value == 1 else f", β = {value:g}"
    )


def _measured(view: View, rows: pd.DataFrame, name: str) -> pd.DataFrame:
    shown = [column for column in (*noise_levels(rows), *_SHOWN) if column in rows]
    pointed = [
        hover(
            name,
            _settings(row, shown),
            f"KL {row['test/kl']:.4g} nats/example",
            f"recon {row['test/recon']:.4g}",
        )
        for _, row in rows.iterrows()
    ]
    laplace = rows["likelihood"].eq("laplace") if "likelihood" in rows else False
    error = pd.Series(laplace, index=rows.index).map({True: ABSOLUTE, False: SQUARED})
    return pd.DataFrame(
        {
            "series": name,
            "kind": "measured",
            "error": error,
            "x": rows["test/kl"],
            "y": rows["test/recon"],
            "trial": rows["trial"],
            "hover": pointed,
            "link": view.links(rows),
            "hue": view.hue(name),
        }
    )


def _settings(row: pd.Series, columns: list[str]) -> str:
    known = (column for column in columns if row[column] == row[column])
    return ", ".join(setting(column, row[column]) for column in known)


def draw(data: Plane) -> go.Figure:
    """One log-log panel for each unit of the error."""
    kinds = [kind for kind in (SQUARED, ABSOLUTE) if (data.table["error"] == kind).any()]
    figure = canvas(430 if len(kinds) == 1 else 700)
    measured = data.table[data.table["kind"] == "measured"]
    places = stack(figure, [("KL (nats/example)", _TITLES[kind]) for kind in kinds], gap=0.36)
    for kind, place in zip(kinds, places, strict=True):
        for name, rows in measured[measured["error"] == kind].groupby("series"):
            trace = marks.points(rows, str(name), int(rows["hue"].iloc[0]))
            figure.add_trace(trace.update(**place))
        drawn = data.table[(data.table["error"] == kind) & (data.table["x"] > 0)]
        log_axes(figure, place, drawn)
    figure.add_traces(theory_lines(data.table))
    return figure


FIGURE = Figure("rate_distortion", "Rate and distortion", "reconstruction", 30, info, draw)
