"""HTML of the parts that every section is made of: figures, sentences, downloads, tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.figures.drawing.figure import Figure
from analysis.figures.drawing.style import escape
from analysis.figures.drawing.view import NothingToDraw, View
from analysis.report.html_tables import csv_uri
from analysis.report.page import embedded_json

__all__ = ["Block", "absent", "download", "figure_block", "titled"]

_HIDDEN = ["hover", "link", "hue"]


@dataclass(frozen=True)
class Block:
    """A figure as it stands in the report: its HTML and the table behind it (None: a sentence)."""

    name: str
    section: str
    html: str
    table: pd.DataFrame | None
    relevant: bool = True
    sentence: str = ""


def figure_block(figure: Figure, view: View) -> Block:
    """Draw a figure, or put its sentence in its place."""
    try:
        data = figure.info(view)
    except NothingToDraw as reason:
        html = titled(figure.title, absent(str(reason)))
        return Block(figure.name, figure.section, html, None, reason.relevant, str(reason))
    table = data.table.drop(columns=_HIDDEN, errors="ignore")
    drawing = figure.draw(data)
    html = _figure(figure, drawing, data.caption, download(figure.name, table))
    return Block(figure.name, figure.section, html, table)


def _figure(figure: Figure, drawing: Any, caption: str, link: str) -> str:
    height = int(drawing.layout.height)
    return (
        f'<figure id="{figure.name}">{_head(figure.title, link)}'
        f'<div class="plot" data-name="{figure.name}" style="min-height:{min(height, 480)}px">'
        f'<div class="canvas" role="img" aria-label="{escape(figure.title)}"></div>'
        f'<script type="application/json">{embedded_json(drawing.to_json())}</script></div>'
        f"<figcaption>{caption}</figcaption></figure>\n"
    )


def _head(title: str, link: str) -> str:
    return f'<div class="head"><h3>{escape(title)}</h3>{link}</div>'


def download(name: str, table: pd.DataFrame) -> str:
    """A link that holds the data itself."""
    return (
        f'<a class="download" download="{escape(name)}.csv" href="{csv_uri(table)}">Data (CSV)</a>'
    )


def absent(sentence: str) -> str:
    """The sentence in the place of a figure or table."""
    return f'<p class="absent">{escape(sentence)}</p>'


def titled(title: str, html: str, table: pd.DataFrame | None = None, name: str = "") -> str:
    """A titled part that is no drawing; `table` can be downloaded."""
    link = download(name, table) if table is not None else ""
    return f"<figure>{_head(title, link)}{html}</figure>\n"
