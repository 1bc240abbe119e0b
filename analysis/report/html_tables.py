"""Frames as CSV that no spreadsheet executes, and as HTML tables whose text is escaped."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from analysis.figures.drawing.style import escape
from analysis.sources.spreadsheet import harmless

__all__ = ["Cell", "csv_text", "csv_uri", "html_table", "verdict_cell"]


@dataclass(frozen=True)
class Cell:
    """A table cell: `text` is escaped unless `html` is given; `kind` is its CSS class."""

    text: object = ""
    kind: str = ""
    html: str | None = None

    def render(self, head: str) -> str:
        """A narrow screen shows `head`, the column's, beside the cell."""
        kind = f' class="{self.kind}"' if self.kind else ""
        content = self.html if self.html is not None else escape(self.text)
        return f'<td{kind} data-head="{escape(head)}">{content}</td>'


def verdict_cell(text: str, good: bool | None) -> Cell:
    """A verdict with a mark that does not rely on colour."""
    mood = {True: "yes", False: "no", None: "open"}[good]
    return Cell(kind="unit", html=f'<span class="verdict {mood}">{escape(text)}</span>')


def csv_text(frame: pd.DataFrame) -> str:
    """CSV with text cells that begin like a formula (= + - @) quoted by an apostrophe."""
    text: str = harmless(frame).to_csv(index=False, float_format="%.10g", lineterminator="\n")
    return text


def csv_uri(frame: pd.DataFrame) -> str:
    """The CSV of a frame as a data: URI, for a download link."""
    data = base64.b64encode(csv_text(frame).encode("utf-8")).decode("ascii")
    return f"data:text/csv;charset=utf-8;base64,{data}"


def html_table(header: Sequence[str], rows: Iterable[Sequence[Cell]], kind: str = "") -> str:
    """A table, on a narrow screen a list of its rows; a header that ends in > is a number."""
    heads = "".join(
        f'<th class="number" scope="col">{escape(name[:-1])}</th>'
        if name.endswith(">")
        else f'<th scope="col">{escape(name)}</th>'
        for name in header
    )
    names = [name.removesuffix(">") for name in header]
    lines = "".join(f"<tr>{''.join(map(Cell.render, row, names))}</tr>" for row in rows)
    return (
        f'<div class="scroll"><table class="{kind}"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>"
    )
