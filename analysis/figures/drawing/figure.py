"""What a figure is: data from a view, a drawing of the data, and words below it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import pandas as pd
import plotly.graph_objects as go

from analysis.figures.drawing.view import View

__all__ = ["SECTIONS", "Drawn", "Figure"]

SECTIONS = {
    "laws": "Scaling laws",
    "search": "Search",
    "results": "Every setting",
    "published": "Beside the published tables",
    "reconstruction": "Reconstruction and rate",
    "equivalence": "Equivalence",
    "bounds": "Bounds of the denoising criterion",
    "compare": "Comparisons",
    "images": "Images",
    "robustness": "Robustness",
    "learning": "Learning curves",
}


class Drawn(Protocol):
    """What `info` returns: the drawn numbers as a table, and the caption (HTML)."""

    @property
    def table(self) -> pd.DataFrame: ...

    @property
    def caption(self) -> str: ...


@dataclass(frozen=True)
class Figure:
    """One figure of the report, the only name that its module must define: ``FIGURE``.

    name: of the CSV file and the anchor. section: a key of `SECTIONS`. order: inside the section.
    info: raises NothingToDraw with the sentence that stands in the figure's place.
    """

    name: str
    title: str
    section: str
    order: int
    info: Callable[[View], Any]
    draw: Callable[[Any], go.Figure]
