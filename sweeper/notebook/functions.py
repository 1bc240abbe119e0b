"""The functions of `import sweeper`: grids in, DataFrames, figures and reports out."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console

from analysis.figures.drawing.view import look
from analysis.laws import powerlaw
from analysis.sources.one_sweep import of_sweep
from sweeper.commands.asked_law import grid_settings, law_of
from sweeper.commands.reporting import rewrite, write_report
from sweeper.commands.shared import experiment_of
from sweeper.driver.run import RunOptions
from sweeper.driver.run import run as run_sweep
from sweeper.grid import loading
from sweeper.notebook.results import WIDTH, Fit, Laws, Plan, Result
from sweeper.planning.outline import outline
from sweeper.storage.addresses import storage_path
from sweeper.storage.paths import report_folder
from sweeper.storage.run_ids import with_run_ids

__all__ = ["fit", "laws", "load", "plan", "report", "run"]

Grid = str | Path | Mapping[str, Any]


def plan(grid: Grid, *, storage: str | None = None, tracking: str | None = None) -> Plan:
    """What a grid would train, and about how long; starts nothing.

    grid: a path, the name of a shipped grid, or the grid itself as a dict.
    storage, tracking: in place of the grid's. Raises `UserError` as `run` does.
    """
    return Plan(outline(loading.load(grid, storage=storage, tracking=tracking)))


def run(
    grid: Grid,
    *,
    storage: str | None = None,
    tracking: str | None = None,
    inline: bool = False,
    retry_failed: bool = False,
) -> Result:
    """Train a grid (again: go on with it), track it in MLflow, and write its report.

    inline: train in this process instead of on Ray. retry_failed: train trials again that
    diverged. Progress is printed as lines. Raises `UserError` for what the user must correct.
    """
    # a library of the tracker's asks a notebook for ipywidgets, which nothing here uses
    warnings.filterwarnings("ignore", message="IProgress not found")
    sweep = loading.load(grid, storage=storage, tracking=tracking)
    screen = Console(force_jupyter=False, force_terminal=False, width=WIDTH, highlight=False)
    outcome = run_sweep(sweep, RunOptions(inline, retry_failed, live=False, console=screen))
    outcome, sentences = write_report(sweep, outcome)
    trials = load(sweep.experiment, storage=str(sweep.storage))
    return Result(outcome, tuple(sentences), trials)


def load(
    experiment: str, *, history: bool = False, storage: str = "sweeps", tracking: str | None = None
) -> pd.DataFrame:
    """The trials of an experiment, one row each: parameters, final metrics, status, MLflow's id.

    history: every epoch instead, one row for each trial, step and metric. tracking: read this
    MLflow store instead of the storage folder.
    """
    found = experiment_of(experiment, storage, tracking)
    if history:
        return found.history
    if not tracking:
        found, _ = with_run_ids(found, storage_path(storage))
    return found.trials


def fit(
    experiment: str,
    *,
    x: str | None = None,
    y: str | None = None,
    range: tuple[float, float] | None = None,
    where: Mapping[str, object] | None = None,
    storage: str = "sweeps",
    tracking: str | None = None,
) -> Fit:
    """Fit y ~ x^−ν to the trials of an experiment's newest sweep; by default its declared law.

    range: of x; one that is given after the run is post hoc. where: a value for each field, such
    as ``{"model": "sigma_vae", "d_z": 50}``. Raises `AnalysisError` if the rows allow no fit, such
    as trials that differ in more than x and the seed, each group of which has a law in `laws`.
    """
    found = of_sweep(experiment_of(experiment, storage, tracking))
    law = law_of(found, x, y, range, where or {})
    fitted = powerlaw.fit(found.trials, law, history=found.history)
    return Fit(fitted, found.trials)


def laws(experiment: str, *, storage: str = "sweeps", tracking: str | None = None) -> Laws:
    """The laws of the report of an experiment's newest sweep, with its numbers, by their names.

    One for each noise level and each group of trials that differ in it and the seed alone, such as
    ``"σ-VAE, d_z = 50: test KL against σ"``; none of a group that allows no fit.
    """
    found = of_sweep(experiment_of(experiment, storage, tracking))
    asked = grid_settings(found)
    seen = look(found, asked.law, asked.margin, None, asked.margin_post_hoc)
    return Laws({one.name: Fit(one.law, one.family.rows) for one in seen.claims if one.law})


def report(
    experiment: str,
    *,
    storage: str = "sweeps",
    out: str | Path | None = None,
    all_sweeps: bool = False,
) -> Path:
    """Write the report of an experiment again; returns the path of its HTML file.

    out: a folder, by default that of the experiment in the storage. all_sweeps: about all sweeps
    of the experiment, and not the newest alone.
    """
    found = experiment_of(experiment, storage, None)
    found = found if all_sweeps else of_sweep(found)
    return rewrite(found, Path(out) if out else report_folder(storage_path(storage), experiment))
