"""Tables that no spreadsheet executes: text that begins like a formula gets an apostrophe."""

from __future__ import annotations

import pandas as pd

__all__ = ["harmless"]

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def harmless(frame: pd.DataFrame) -> pd.DataFrame:
    """A copy whose text cells and column names do not begin with = + - @; numbers stay."""
    safe = frame.copy()
    safe.columns = pd.Index([_quoted(str(column)) for column in safe.columns])
    for position, kind in enumerate(frame.dtypes):
        if kind.kind not in "biuf":
            safe.isetitem(position, [_quoted(value) for value in frame.iloc[:, position]])
    return safe


def _quoted(value: object) -> object:
    """A carriage return is not quoted by Python's writer, and would begin another row."""
    if not isinstance(value, str):
        return value
    quote = "'" if value.startswith(FORMULA) else ""
    return quote + value.replace("\r", " ")
