"""Figures of the user's own: the `Figure`s that a file outside the package defines."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analysis.errors import AnalysisError
from analysis.figures import Figure
from analysis.figures.drawing.view import SECTIONS, NothingToDraw, look
from analysis.sources.schema import HISTORY, Experiment
from sweeper.errors import UserError
from sweeper.storage.stored_code import as_user_error
from trainers.component_files import run_file
from trainers.errors import BrokenComponent

__all__ = ["figures_of", "holds"]

METRICS = ("test/kl", "test/recon", "test/elbo", "test/elbo_full", "test/denoise")


def figures_of(path: Path) -> list[Figure]:
    """The figures of a file; none where it defines none.

    Raises `UserError` with the line where it cannot be imported, and when a figure fails.
    """
    if "FIGURE" not in (path.read_text(encoding="utf-8") if path.is_file() else ""):
        return []
    try:
        module = run_file(path)
    except BrokenComponent as error:
        raise as_user_error(error) from error
    found = [one for one in vars(module).values() if isinstance(one, Figure)]
    for one in found:
        if one.section not in SECTIONS:
            raise UserError(
                f"the figure {one.name!r} stands in a section of the report, and {one.section!r} "
                f"is none; choose one of {', '.join(SECTIONS)}",
                str(path),
            )
    return [_guarded(one, path) for one in found]


def _guarded(figure: Figure, path: Path) -> Figure:
    """The figure, which raises `UserError` where it fails or returns what cannot be shown."""

    def call(name: str, argument: Any, fits: Callable[[Any], bool], wanted: str) -> Any:
        try:
            found = getattr(figure, name)(argument)
        except (AnalysisError, UserError):
            raise
        except Exception as error:
            lines = [
                one.lineno
                for one in traceback.extract_tb(error.__traceback__)
                if one.filename == str(path)
            ]
            said = f"the figure {figure.name!r} fails: {type(error).__name__}: {error}"
            raise UserError(said, str(path), lines[-1] if lines else None) from error
        if not fits(found):
            raise UserError(
                f"`{name}` of the figure {figure.name!r} returns {wanted}, and not "
                f"{type(found).__name__}",
                str(path),
            )
        return found

    def is_shown(found: Any) -> bool:
        table, caption = getattr(found, "table", None), getattr(found, "caption", None)
        return isinstance(table, pd.DataFrame) and isinstance(caption, str)

    def is_drawn(found: Any) -> bool:
        return isinstance(found, go.Figure)

    return replace(
        figure,
        info=lambda view: call("info", view, is_shown, "a `table` (DataFrame) and a `caption`"),
        draw=lambda found: call("draw", found, is_drawn, "a plotly Figure"),
    )


def holds(figure: Figure) -> None:
    """Draw it for a planted experiment; an experiment without trials gives a sentence."""
    try:
        found = figure.info(look(_planted(12), None, 0.1, None))
    except NothingToDraw:
        return
    titles = [axis.title.text for axis in figure.draw(found).select_yaxes()]
    if not len(found.table) or not any(titles):
        raise UserError(
            f"the figure {figure.name!r} has a table with rows, a caption and axis titles, and "
            f"{len(found.table)} rows and the titles {titles} were found; return them from `info` "
            "and set update_yaxes(title=...) in `draw`"
        )


def _planted(count: int) -> Experiment:
    sigma = np.repeat(np.geomspace(0.05, 0.4, count // 3), 3)
    columns = {
        "trial": [f"{number:016x}" for number in range(count)],
        "status": "finished",
        "role": "declared",
        "label": [f"sigma_vae σ={one:.3g}" for one in sigma],
        "model": "sigma_vae",
        "seed": np.tile([0, 1, 2], count // 3),
        "sigma": sigma,
        "beta": 1.0,
        "epoch": 10,
    }
    values = {metric: 5.0 / sigma + np.arange(count) for metric in METRICS}
    return Experiment("planted", pd.DataFrame(columns | values), pd.DataFrame(columns=HISTORY))
