"""Write an experiment's tables as parquet and CSV files."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from analysis.sources.rows import in_order, varied
from analysis.sources.schema import Experiment
from analysis.sources.spreadsheet import harmless

__all__ = ["export", "long_table"]

FACTS = ("trial", "run_id", "label", "status", "role")


def export(experiment: Experiment, folder: Path, long: bool = False) -> list[Path]:
    """Write `trials` and `history` as parquet and (harmless) CSV; return the paths written.

    Their rows are in the order of the trials' settings. long: write `long_table` too.
    """
    folder.mkdir(parents=True, exist_ok=True)
    trials = in_order(experiment.trials)
    tables = {"trials": trials, "history": _by_trial(experiment.history, trials, "step")}
    if long:
        tables["long"] = long_table(experiment)
    paths = []
    for name, frame in tables.items():
        paths += [folder / f"{name}.parquet", folder / f"{name}.csv"]
        frame.to_parquet(paths[-2])
        harmless(frame).to_csv(paths[-1], index=False)
    return paths


def long_table(experiment: Experiment) -> pd.DataFrame:
    """One row for each trial, epoch and metric, with the settings that differ between trials.

    The values of an evaluation have the epoch of the model that was evaluated.
    """
    trials = in_order(experiment.trials)
    values = experiment.history.rename(columns={"step": "epoch"})
    facts = trials[[*FACTS, *varied(trials)]]
    table = facts.merge(values[["trial", "epoch", "metric", "value"]], on="trial")
    return _by_trial(table, trials, "epoch")


def _by_trial(values: pd.DataFrame, trials: pd.DataFrame, time: str) -> pd.DataFrame:
    """Rows of values in the order of the trials, then by metric and epoch."""
    place = values["trial"].map(dict(zip(trials["trial"], range(len(trials)), strict=True)))
    ordered = values.assign(place=place).sort_values(["place", "metric", time], kind="stable")
    return ordered.drop(columns="place").reset_index(drop=True)
