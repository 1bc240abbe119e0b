"""Our bounds beside those of Im et al. 2017, Tables 1 to 3, cell by cell."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pandas as pd

from analysis import published
from analysis.errors import AnalysisError, MixedRows
from analysis.laws.law import Law, filtered, mixed_fields
from analysis.published.replication import Replication, differing_settings
from analysis.sources.rows import matching
from analysis.statistics.means import mean_estimate

__all__ = ["bounds_beside"]

LATENTS = {"dvae": 1, "diwae": 5}
NONLINEARITY = {"dvae": "softplus", "diwae": "tanh"}
LAYER = 200
QUIET = {"corruption": "salt_and_pepper", "corruption_p": 0.0}


def bounds_beside(trials: pd.DataFrame, name: str) -> list[Replication]:
    """The cells of a table (d_table1, d_table2, d_table3) for which there are trials of ours.

    Our value is the mean over seeds of `test/objective_full`: the trained bound of the paper's
    model with K latents of one corrupted view, with the likelihood's constant, in nats, and with
    the table's sign. The table's `note` names what the paper does not specify about its number.
    The error is of the difference, from our standard error and the paper's ±.

    Errors: AnalysisError for a table without bounds, and if no trial matches any of its cells;
    MixedRows if the trials of one cell differ in more than the seed.
    """
    entry, table = published.about(name), published.table(name)
    if entry.noise is None or entry.metric is None or entry.y is None:
        raise AnalysisError(
            f"{name} ({entry.title}) is no table of bounds; d_table1, d_table2 and d_table3 are"
        )
    rows = filtered(
        trials, Law("k", entry.metric, where={"network": entry.settings["network"], "m": 1})
    )
    cells = ((cell, _trained_for(rows, cell, entry.noise)) for cell in table.itertuples())
    found = [_beside(name, cell, mine) for cell, mine in cells if len(mine)]
    if not found:
        raise AnalysisError(
            f"no finished trial is of a cell of {name} ({entry.title}): its are "
            f"dvae and diwae on a network {entry.settings['network']!r} with "
            f"m = 1 and {entry.noise[0]} noise of its levels"
        )
    return found


def _trained_for(rows: pd.DataFrame, cell: Any, noise: tuple[str, str]) -> pd.DataFrame:
    """The trials of one cell; at level 0 those with salt-and-pepper noise at rate 0."""
    kind, rate = noise
    level: dict[str, object] = (
        {"corruption": kind, rate: cell.noise_percent / 100} if cell.noise_percent else dict(QUIET)
    )
    wanted = {"model": cell.model, "k": getattr(cell, "k", LATENTS[cell.model]), **level}
    if hasattr(cell, "layers"):
        wanted["hidden"] = json.dumps([LAYER] * cell.layers)
    return rows[matching(rows, wanted)] if {*wanted} <= {*rows.columns} else rows[:0]


def _beside(name: str, cell: Any, mine: pd.DataFrame) -> Replication:
    entry = published.about(name)
    layers = f", {cell.layers} hidden layers" if hasattr(cell, "layers") else ""
    label = (
        f"{entry.title}: {cell.model}, K = {mine['k'].iloc[0]:g}{layers}, at "
        f"{cell.noise_percent:g} %"
    )
    different = mixed_fields(mine, {"seed"})
    if different:
        raise MixedRows(
            f"{label}: our trials differ in {', '.join(different)}; keep those of one value each"
        )
    sign = -1 if str(entry.y).startswith("negative") else 1
    ours = mean_estimate(sign * mine[str(entry.metric)].to_numpy(dtype=np.float64), "t")
    error = math.hypot(ours.se, cell.error)
    paper = float(getattr(cell, str(entry.y)))
    differs = differing_settings(mine, name, {"nonlinearity": NONLINEARITY[cell.model]})
    z = (ours.value - paper) / error
    return Replication(name, label, paper, ours.value, error, z, differs)
