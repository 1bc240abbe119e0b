"""KL against a noise scale on log-log axes, with the departure from the fitted law below it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analysis.figures.drawing import marks
from analysis.figures.drawing.claims import Claim, band, short
from analysis.figures.drawing.families import families
from analysis.figures.drawing.labels import hover, label
from analysis.figures.drawing.palette import AXIS
from analysis.figures.drawing.style import axis_title, canvas, set_log
from analysis.figures.drawing.theory import theory_curve, theory_lines, where_linear_collapses
from analysis.figures.drawing.view import Figure, NothingToDraw, View, of_other_level
from analysis.laws.prediction import prediction
from analysis.wording import setting, symbol

__all__ = ["IN_ALPHA", "IN_OTHER", "IN_SIGMA", "LawPanel", "draw", "fitted", "info", "of_lines"]

_POINTS = 60


@dataclass(frozen=True)
class LawPanel:
    """Data of a law's figure.

    table: columns series, kind (measured, fit, linear theory), x, y, low, high (of the line),
        new_low, new_high (of one more run), departure (y / fit − 1, percent), seed, trial, hover,
        link.
    axes: titles of x and y. measure: short name of y.
    """

    x: str
    table: pd.DataFrame
    fits: dict[str, str]
    caption: str
    axes: tuple[str, str]
    measure: str = "KL"


def info(view: View, x: str) -> LawPanel:
    """Points of every family with `x`, and of each law its line, band and departures."""
    measured = view.finished
    if "test/kl" in measured:
        measured = measured[measured["test/kl"] > 0]
    found = [family for family in families(measured, x) if "test/kl" in measured]
    if not found:
        raise NothingToDraw(
            f"No finished trial has both {symbol(x)} and a positive KL, so there "
            f"is no law in {symbol(x)} to draw.",
            relevant=False,
        )
    if measured[x].nunique() < 2:
        raise NothingToDraw(
            f"All finished trials have one {symbol(x)}, so there is no law in "
            f"{symbol(x)} to draw.",
            relevant=False,
        )
    claims = {claim.family.label: claim for claim in view.claims_of(x)}
    parts, fits = [], {}
    for family in found[: marks.LIMIT]:
        claim = claims.get(family.label)
        parts.append(_measured(view, family.rows, x, family.label, claim))
        if claim is not None and claim.law is not None:
            parts.append(fitted(claim))
            fits[family.label] = short(claim.law)
    theory = theory_curve(view, measured[measured[x].notna()], x)
    parts += [] if theory is None else [theory.assign(y=theory["kl"])]
    return LawPanel(
        x,
        pd.concat(parts, ignore_index=True),
        fits,
        _caption(view, x, list(claims.values()), len(found)) + _of_theory(view, measured, theory),
        (axis_title(x), axis_title("test/kl")),
    )


def _measured(
    view: View, rows: pd.DataFrame, x: str, label: str, claim: Claim | None
) -> pd.DataFrame:
    pointed = [
        hover(
            label,
            f"{setting(x, row[x])}, seed {row['seed']:g}",
            f"KL {row['test/kl']:.4g} nats/example",
        )
        for _, row in rows.iterrows()
    ]
    frame = pd.DataFrame(
        {
            "series": label,
            "kind": "measured",
            "x": rows[x],
            "y": rows["test/kl"],
            "seed": rows["seed"],
            "trial": rows["trial"],
            "hover": pointed,
            "link": view.links(rows),
            "hue": view.hue(label),
        }
    )
    if claim is not None and claim.law is not None:
        frame["departure"] = 100 * (frame["y"] / claim.law.predict(frame["x"]) - 1)
    return frame


def fitted(claim: Claim) -> pd.DataFrame:
    """The line of a law, with the band of its seeds, and that of one more run."""
    assert claim.law is not None
    at = np.geomspace(claim.law.x_min, claim.law.x_max, _POINTS)
    frame = pd.DataFrame(
        {"series": claim.family.label, "kind": "fit", "x": at, "y": claim.law.predict(at)}
    )
    unknown = np.full(_POINTS, np.nan)
    many = claim.law.n_seeds > 1
    frame["low"], frame["high"] = band(claim.law, at) if many else (unknown, unknown)
    new = prediction(claim.law)
    frame["new_low"], frame["new_high"] = new.between(at) if new else (unknown, unknown)
    return frame


def _caption(view: View, x: str, claims: list[Claim], count: int) -> str:
    said = []
    if not claims:
        said.append(f"No law is fitted: it takes at least three values of {symbol(x)}.")
    if count > marks.LIMIT:
        said.append(f"The {marks.LIMIT} largest of {count} families are drawn.")
    return "\n".join([*said, *of_lines(claims)])


def of_lines(claims: Sequence[Claim]) -> list[str]:
    """What the bands are that some laws have."""
    laws = [claim.law for claim in claims if claim.law is not None]
    if not laws:
        return []
    several = [law for law in laws if law.n_seeds > 1]
    if not several:
        return []
    told = "; dashed: 95 % prediction of one more run" * any(prediction(law) for law in several)
    told += ", where a law has several seeds" * (len(several) < len(laws))
    return [f"Band: 95 % t interval over seeds{told}."]


def _of_theory(view: View, rows: pd.DataFrame, theory: pd.DataFrame | None) -> str:
    """The KL measured where a linear model's is zero."""
    found = None if theory is None else where_linear_collapses(view, rows)
    return f"\n{found.sentence()}" if found and found.sigmas else ""


def draw(data: LawPanel) -> go.Figure:
    """Two panels with a common axis: the law, and the departure from it in percent."""
    figure = canvas(560)
    names = list(dict.fromkeys(data.table.loc[data.table["kind"] == "measured", "series"]))
    for name in names:
        part = data.table[data.table["series"] == name]
        _draw_family(figure, part, data.fits.get(name))
    figure.add_traces(theory_lines(data.table))
    _axes(figure, data, names)
    return figure


def _draw_family(figure: go.Figure, part: pd.DataFrame, fit: str | None) -> None:
    measured, fitted = part[part["kind"] == "measured"], part[part["kind"] == "fit"]
    name, index = str(part["series"].iloc[0]), int(measured["hue"].iloc[0])
    if len(fitted):
        if fitted["low"].notna().all():
            figure.add_trace(marks.ribbon(fitted["x"], fitted["low"], fitted["high"], index))
            for end in ("new_low", "new_high"):
                edge = marks.line(fitted["x"], fitted[end], name, index, dash="dash", width=1)
                figure.add_trace(edge.update(showlegend=False, hoverinfo="skip"))
        figure.add_trace(
            marks.line(fitted["x"], fitted["y"], name, index, dash="solid", showlegend=False)
        )
    figure.add_trace(marks.points(measured, f"{name}: {fit}" if fit else name, index))
    if fit:
        below = marks.points(measured.assign(y=measured["departure"]), name, index, size=6)
        figure.add_trace(below.update(yaxis="y2", showlegend=False))
        means = measured.groupby("x")["departure"].mean()
        figure.add_trace(
            marks.line(
                means.index, means, name, index, dash="solid", width=1.2, showlegend=False
            ).update(yaxis="y2")
        )


def _axes(figure: go.Figure, data: LawPanel, names: list[str]) -> None:
    drawn = data.table[data.table["series"].isin(names)]
    shown = data.table[data.table["y"] >= 0.5 * drawn["y"].min()]
    set_log(figure, "xaxis", drawn["x"])
    set_log(figure, "yaxis", shown["y"])
    figure.update_layout(
        xaxis={"title": {"text": data.axes[0]}, "anchor": "y"},
        yaxis={"title": {"text": data.axes[1]}},
    )
    if data.fits:
        figure.update_layout(
            xaxis={"anchor": "y2"},
            yaxis={"domain": [0.34, 1]},
            yaxis2={
                "domain": [0, 0.24],
                "title": {"text": f"{label(data.measure)} / fit − 1 (%)"},
                "zeroline": True,
                "zerolinecolor": AXIS,
                "zerolinewidth": 1.5,
                "nticks": 5,
                "anchor": "x",
            },
        )


IN_SIGMA = Figure("kl_sigma", "KL against σ", "laws", 10, partial(info, x="sigma"), draw)
IN_ALPHA = Figure("kl_alpha", "KL against α", "laws", 20, partial(info, x="alpha"), draw)
IN_OTHER = Figure("kl_noise", "KL against the noise level", "laws", 25, of_other_level(info), draw)
