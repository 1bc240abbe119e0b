"""Curves of many settings: the dash shows the family, the colour the noise level.

If no family has two noise levels, the colour shows the family, as in all other figures.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
import plotly.graph_objects as go

from analysis.figures.drawing import marks
from analysis.figures.drawing.families import all_families, levels
from analysis.figures.drawing.labels import hover, hover_template, label
from analysis.figures.drawing.palette import DASHES, MARKERS, ramp
from analysis.figures.drawing.view import View
from analysis.wording import symbol

__all__ = [
    "SETTING",
    "by_family",
    "colour_note",
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


def trial_settings(view: View) -> pd.DataFrame:
    """Finished trial → family, scale (sigma, alpha or none), level (NaN without one) and hue.

    Family after family, by level and seed.

    hue: the number of the family's colour, or −1 if colours show the level.
    """
    found = all_families(view.finished)
    by_level = any(levels(family, scale) > 1 for scale, family in found)
    parts = [
        pd.DataFrame(
            {
                "trial": family.rows["trial"],
                "family": family.label,
                "scale": scale,
                "seed": family.rows["seed"],
                "level": family.rows[scale] if scale else float("nan"),
                "hue": _BY_LEVEL if by_level else view.hue(family.label),
            }
        )
        for scale, family in found
    ]
    if not parts:
        return pd.DataFrame({name: [] for name in ("trial", *SETTING)})
    ordered = [part.sort_values(["level", "seed"]).drop(columns="seed") for part in parts]
    return pd.concat(ordered, ignore_index=True).drop_duplicates("trial")


def colour_note(table: pd.DataFrame) -> str:
    """A phrase for the caption if colours show the noise level; else ""."""
    return (
        "; the darker the line, the lower the model’s own noise level (in dark mode: the bluer)"
        if (table["hue"] == _BY_LEVEL).any()
        else ""
    )


def level_colours(part: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """The colour and the rows of each level of a family; dark colours are low noise."""
    if len(part) and part["hue"].iloc[0] != _BY_LEVEL:
        yield marks.colour(int(part["hue"].iloc[0])), part
        return
    values = sorted(part["level"].dropna().unique())
    for colour, level in zip(ramp(max(len(values), 1)), values, strict=False):
        yield colour, part[part["level"] == level]
    rest = part[part["level"].isna()]
    if len(rest):
        yield ramp(1)[0], rest


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
        for colour, rows in level_colours(family):
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
    """One legend entry for each family with its levels, in the dash of its lines."""
    for name, dash, part in by_family(table):
        low, high = part["level"].min(), part["level"].max()
        sign = symbol(str(part["scale"].iloc[0]))
        span = f": {sign} {low:g}" if sign else ""
        span += f" to {high:g}" if sign and high > low else ""
        hue = int(part["hue"].iloc[0])
        colour = ramp(1)[0] if hue == _BY_LEVEL else marks.colour(hue)
        yield go.Scatter(
            x=[None],
            y=[None],
            mode="lines",
            name=label(f"{name}{span}"),
            legendgroup=name,
            hoverinfo="skip",
            line={"color": colour, "width": 2, "dash": dash},
        )
