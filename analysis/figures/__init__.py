"""The report's figures: each module here is one figure, found by itself.

``info(view)`` returns the data of a figure and ``draw(info)`` a Plotly figure, so that both can
be used from a notebook. A new figure is a new module that defines ``FIGURE``.
"""

from __future__ import annotations

import importlib
import pkgutil

from analysis.figures.drawing.figure import SECTIONS, Figure

__all__ = ["Figure", "figures"]


def figures() -> list[Figure]:
    """Every figure of this folder, in the order of the report."""
    names = [found.name for found in pkgutil.iter_modules(__path__) if not found.ispkg]
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    order = list(SECTIONS)
    return sorted(
        (module.FIGURE for module in modules),
        key=lambda figure: (order.index(figure.section), figure.order, figure.name),
    )
