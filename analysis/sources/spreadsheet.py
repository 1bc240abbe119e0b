"""Make tables safe for spreadsheets: text that begins like a formula gets an apostrophe."""

from __future__ import annotations

import pandas as pd

__all__ = ["harmless"]

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def harmless(frame: pd.DataFrame) -> pd.DataFrame:
    """A copy in which no text cell or column name begins with = + - @; numbers are unchanged."""
    safe = frame.copy()
    safe.columns = pd.Index([_quoted(str(column)) for column in safe.columns])
    for position, kind in enumerate(frame.dtypes):
        if kind.kind not in "biuf":
            safe.isetitem(position, [_quoted(value) for value in frame.iloc[:, position]])
    return safe


def _quoted(value: object) -> object:
    """The value, with an apostrophe before formula text.

    Carriage returns are replaced: Python's writer does not quote them, and they would start a row.
    """
    if not isinstance(value, str):
        return value
    quote = "'" if value.startswith(FORMULA) else ""
    return quote + value.replace("\r", " ")
