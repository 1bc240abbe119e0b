"""Values as JSON: Python's own types only, and JSON that may stand inside a page."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

__all__ = ["embedded_json", "plain", "records"]


def plain(value: Any) -> Any:
    """Python's own types only, NaN and infinity as None."""
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table, each as a mapping of column names to values."""
    rows: list[dict[str, Any]] = plain(table.to_dict("records"))
    return rows


def embedded_json(value: Any) -> str:
    """JSON that cannot end the script element that holds it."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
