"""The parts of the report: each module of this folder is one, with a function ``part(view)``.

A part has its sentences in the summary, its headline numbers, its blocks on the page and its
numbers in report.json. A new part is a new module here, and a template for its block.
"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

from analysis.figures.drawing.view import View
from analysis.report.part import Part

__all__ = ["modules", "parts"]


def modules() -> list[ModuleType]:
    """The modules of this folder, each of which is imported when it is first asked for."""
    names = [found.name for found in pkgutil.iter_modules(__path__)]
    return [importlib.import_module(f"{__name__}.{name}") for name in names]


def parts(view: View) -> list[Part]:
    """Every part of this folder for these trials, in the order of the summary."""
    return sorted((module.part(view) for module in modules()), key=lambda part: part.order)
