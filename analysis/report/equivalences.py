"""The equivalence verdicts, as sentences, a table and numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.figures.drawing.view import View

__all__ = ["Equivalences", "test"]


@dataclass(frozen=True)
class Equivalences:
    """What the tests of equivalence found; `refusals` say why a level has no verdict."""

    statements: tuple[Any, ...] = ()
    keys: tuple[tuple[str, str, str], ...] = ()
    table: pd.DataFrame | None = None
    refusals: tuple[str, ...] = ()


def test(view: View) -> Equivalences:
    return Equivalences()


def equivalence_html(found: Equivalences) -> str:
    return ""
