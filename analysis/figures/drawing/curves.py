"""Curves of many settings: the dash shows the family, the colour the noise level.

A colour bar is the scale, which is logarithmic and common to all families of a figure. If no
family has two noise levels, the colour shows the family, as in all other figures.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import pandas as pd
import plotly.graph_objects as go

from analysis.figures.drawing import marks
from analysis.figures.drawing.families import all_families, levels
from analysis.figures.drawing.labels import hover, hover_template, label
from analysis.figures.drawing.palette import DASHES, MARKERS, MUTED, colour_scale, graded
from analysis.figures.drawing.style import log_ticks
from analysis.figures.drawing.view import View
from analysis.wording import symbol

__all__ = [
    "SETTING",
    "by_family",
    "legend",
    "level_colours",
    "over_seeds",
    "setting_line",
    "setting_lines",
    "setting_name",
    "trial_settings",
]

SETTING = ["family", "scale", "level", "hue"]

_BY_LEVEL = -1


def trial_settings(view: View, trials: pd.DataFrame | None = None) -> pd.DataFrame:
    """Trial → family, scale (sigma, alpha or none), level (NaN without one) and hue.

    Family after family, by level and seed.

    trials: by default the finished ones. hue: the number of the family's colour, or −1 if colours
    show the level.
    """
    found = all_families(view.finished if trials is None else trials)
    by_level = any(levels(family, scale) > 1 for scale, family in found)
    new = [name for name in dict.fromkeys(one.label for _, one in found) if name not in view.hues]
    hues = {**view.hues, **{name: len(view.hues) + place for place, name in enumerate(new)}}
    parts = [
        pd.DataFrame(
            {
                "trial": family.rows["trial"],
                "family": family.label,
                "scale": scale,
                "seed": family.rows["seed"],
                "level": family.rows[scale] if scale else float("nan"),
                "hue": _BY_LEVEL if by_level else hues[family.label],
            }
        )
        for scale, family in found
    ]
    if not parts:
        return pd.DataFrame({name: [] for name in ("trial", *SETTING)})
    ordered = [part.sort_values(["level", "seed"]).drop(columns="seed") for part in parts]
    return pd.concat(ordered, ignore_index=True).drop_duplicates("trial")


def _span(table: pd.DataFrame) -> tuple[float, float] | None:
    """The decimal logarithms of the lowest and the highest noise level that colours show."""
    levels = table.loc[(table["hue"] == _BY_LEVEL) & (table["level"] > 0), "level"]
    if levels.nunique() < 2:
        return None
    return math.log10(levels.min()), math.log10(levels.max())


def level_colours(part: pd.DataFrame, table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """The colour and the rows of each level of `part`, a family of the figure's `table`."""
    if len(part) and part["hue"].iloc[0] != _BY_LEVEL:
        yield marks.colour(int(part["hue"].iloc[0])), part
        return
    span = _span(table)
    for _, rows in part.groupby("level", dropna=False, sort=True):
        level = float(rows["level"].iloc[0])
        if span is None or not level > 0:
            yield MUTED, rows
        else:
            low, high = span
            yield graded((math.log10(level) - low) / (high - low)), rows


def over_seeds(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Columns `keys`, then mean, low (least), high (most) and n of column value over seeds."""
    values = rows.groupby(keys, sort=True, dropna=False)["value"]
    return values.agg(mean="mean", low="min", high="max", n="count").reset_index()


def setting_line(
    rows: pd.DataFrame, x: str, colour: str, dash: str, words: tuple[str, str] = ("", ".4g")
) -> go.Scatter:
    """The line of one setting's means over column `x`.

    words: the name of x, and the format of the means in hover texts.
    """
    first, shape = rows.iloc[0], words[1]
    name = setting_name(first)
    mark = "circle" if first["hue"] == _BY_LEVEL else MARKERS[int(first["hue"]) % len(MARKERS)]
    pointed = [
        hover(
            name, f"{words[0]} {at:g}: {mean:{shape}}", f"n = {n}, {low:{shape}} to {high:{shape}}"
        )
        for at, mean, low, high, n in zip(
            *(rows[key] for key in (x, "mean", "low", "high", "n")), strict=True
        )
    ]
    return go.Scatter(
        x=rows[x],
        y=rows["mean"],
        mode="lines+markers" if len(rows) < 12 else "lines",
        showlegend=False,
        text=pointed,
        legendgroup=str(first["family"]),
        hovertemplate=hover_template(),
        marker={"color": colour, "size": 5 if mark == "circle" else 7, "symbol": mark},
        line={"color": colour, "width": 1.8, "dash": dash},
    )


def setting_lines(
    table: pd.DataFrame, x: str, words: tuple[str, str] = ("", ".4g")
) -> Iterator[go.Scatter]:
    """A line for each setting of `table` over column `x`, then the legend's entries."""
    for _, dash, family in by_family(table):
        for colour, rows in level_colours(family, table):
            yield setting_line(rows, x, colour, dash, words)
    yield from legend(table)


def setting_name(row: pd.Series) -> str:
    """``σ-VAE, σ = 0.12`` of a row with a setting's columns."""
    level = f", {symbol(row['scale'])} = {row['level']:g}" if row["scale"] else ""
    return f"{row['family']}{level}"


def by_family(table: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Name, dash and rows of each family, the one with the most levels first."""
    groups = sorted(table.groupby("family"), key=lambda group: -group[1]["level"].nunique())
    for number, (name, part) in enumerate(groups):
        yield str(name), DASHES[number % len(DASHES)], part


def legend(table: pd.DataFrame) -> Iterator[go.Scatter]:
    """One entry for each family in the dash of its lines, and the bar of the colours' scale."""
    bar = _colour_bar(table)
    for name, dash, part in by_family(table):
        low, high = part["level"].min(), part["level"].max()
        sign = symbol(str(part["scale"].iloc[0])) * (bar is None)
        span = f": {sign} {low:g}" if sign else ""
        span += f" to {high:g}" if sign and high > low else ""
        hue = int(part["hue"].iloc[0])
        colour = MUTED if hue == _BY_LEVEL else marks.colour(hue)
        yield go.Scatter(
            x=[None],
            y=[None],
            mode="lines",
            name=label(f"{name}{span}"),
            legendgroup=name,
            hoverinfo="skip",
            line={"color": colour, "width": 2, "dash": dash},
        )
    if bar is not None:
        yield bar


def _colour_bar(table: pd.DataFrame) -> go.Scatter | None:
    """A trace without points that carries the colour bar; None if colours show no levels."""
    span = _span(table)
    if span is None:
        return None
    low, high = span
    scales = (str(part["scale"].iloc[0]) for _, _, part in by_family(table))
    signs = dict.fromkeys(symbol(scale) for scale in scales if scale)
    ticks = [tick for tick in log_ticks([10**low, 10**high]) if low <= math.log10(tick) <= high]
    return go.Scatter(
        x=[None],
        y=[None],
        mode="markers",
        showlegend=False,
        hoverinfo="skip",
        marker={
            "color": [low],
            "cmin": low,
            "cmax": high,
            "colorscale": colour_scale(),
            "showscale": True,
            "colorbar": {
                "title": {"text": label(f"noise level {' or '.join(signs)}"), "side": "right"},
                "tickvals": [math.log10(tick) for tick in ticks],
                "ticktext": [f"{tick:g}" for tick in ticks],
                "tickfont": {"color": MUTED, "size": 12},
                "thickness": 12,
                "outlinewidth": 0,
            },
        },
    )
