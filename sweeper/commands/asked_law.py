"""The law that a command or a notebook asks for, and whether it was declared before the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from sweeper.commands.report import declared
from sweeper.commands.shared import settings

if TYPE_CHECKING:
    import pandas as pd

    from analysis.laws.law import Law
    from analysis.report import ReportSettings
    from analysis.sources.schema import Experiment

__all__ = ["grid_settings", "law_of"]


def grid_settings(experiment: Experiment) -> ReportSettings:
    """The law and the margin of the newest sweep's grid."""
    return settings(declared(experiment.sweeps), sweeps=experiment.sweeps)


def law_of(
    experiment: Experiment,
    x: str | None,
    y: str | None,
    ends: tuple[float, float] | None,
    where: Mapping[str, object],
) -> Law:
    """The law of the grid with what is given here; with another x or y its range and rows do not
    hold.

    It is post hoc unless it has the rows of a law that the grid declares or every report fits.
    """
    from analysis.laws.law import Law
    from analysis.report.experiment_laws import chosen_later

    grid = grid_settings(experiment).law
    law, model = grid or Law(), where.get("model")
    own = _axis(experiment.trials, None if model is None else str(model), law.x)
    axes = (x or own, y or law.y)
    if axes != (law.x, law.y):
        law = Law(*axes)
    law = replace(law, range=ends or law.range, where={**law.where, **where})
    law = law.after(experiment.sweeps)
    return replace(law, post_hoc=chosen_later(experiment, law, grid))


def _axis(trials: pd.DataFrame, model: str | None, x: str) -> str:
    """`x`, or the model's own noise level where `x` is that of other models."""
    from analysis.sources.noise import PAPERS, noise_levels

    found = noise_levels(trials[trials["model"] == model] if model else trials)
    others = {*PAPERS, *noise_levels(trials)} - set(found)
    return found[0] if x in others and len(found) == 1 else x
