"""The report's figures: every `Figure` that a module of this folder defines.

``info(view)`` returns the data of a figure and ``draw(info)`` a Plotly figure, so that both can
be used from a notebook. A new figure is a new module with a ``FIGURE``; a module that draws
several fields in the same way, such as KL against σ and against α, defines one for each.
"""

from __future__ import annotations

import importlib
import pkgutil

from analysis.figures.drawing.view import SECTIONS, Figure

__all__ = ["Figure", "figures"]


def figures() -> list[Figure]:
    """Every figure of this folder, in the order of the report."""
    names = [found.name for found in pkgutil.iter_modules(__path__) if not found.ispkg]
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    order = list(SECTIONS)
    return sorted(
        (one for module in modules for one in vars(module).values() if isinstance(one, Figure)),
        key=lambda figure: (order.index(figure.section), figure.order, figure.name),
    )
