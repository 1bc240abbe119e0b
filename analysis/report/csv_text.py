"""Frames as CSV that no spreadsheet executes."""

from __future__ import annotations

import base64

import pandas as pd

from analysis.sources.spreadsheet import harmless

__all__ = ["csv_text", "csv_uri"]


def csv_text(frame: pd.DataFrame) -> str:
    """CSV with text cells that begin like a formula (= + - @) quoted by an apostrophe."""
    text: str = harmless(frame).to_csv(index=False, float_format="%.10g", lineterminator="\n")
    return text


def csv_uri(frame: pd.DataFrame) -> str:
    """The CSV of a frame as a data: URI, for a download link."""
    data = base64.b64encode(csv_text(frame).encode("utf-8")).decode("ascii")
    return f"data:text/csv;charset=utf-8;base64,{data}"
