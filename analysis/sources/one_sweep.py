"""An experiment narrowed to one of its sweeps: the trials that one grid declares."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from analysis.sources.registration import EARLIER
from analysis.sources.schema import DECLARED, Experiment

__all__ = ["of_sweep"]


def of_sweep(experiment: Experiment, name: str | None = None) -> Experiment:
    """The trials of the sweep `name`, with the roles that they have there; None: of the newest.

    An experiment of one sweep, or without this one, is returned as it is.
    """
    names = [str(sweep.get("sweep")) for sweep in experiment.sweeps]
    if len(names) < 2 or (name is not None and name not in names):
        return experiment
    chosen = experiment.sweeps[-1 if name is None else names.index(name)]
    entries = {entry["id"]: entry for entry in chosen["trials"]}
    kept = experiment.trials["trial"].isin(list(entries))
    trials = experiment.trials[kept].reset_index(drop=True)
    own = [entries[trial] for trial in trials["trial"]]
    trials["role"] = [entry.get("role") or DECLARED for entry in own]
    trials["twin_of"] = pd.Series([entry.get("twin_of") for entry in own], dtype=object)
    return replace(
        experiment,
        trials=trials,
        history=lambda: experiment.history[
            experiment.history["trial"].isin(list(entries))
        ].reset_index(drop=True),
        sweeps=[chosen | {EARLIER: [one.get("registered") for one in experiment.sweeps]}],
        spectra={
            checksum: one
            for checksum, one in experiment.spectra.items()
            if checksum in set(trials["checksum"])
        },
        evaluations={
            key: rows
            for key, table in experiment.evaluations.items()
            if len(rows := table[table["trial"].isin(list(entries))])
        },
        other_sweeps=tuple(one for one in names if one != chosen["sweep"]),
    )
