"""What a rule sees of a sweep: its own trials in the storage, and no other of its experiment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeper.storage import paths
from sweeper.sweep import Sweep

if TYPE_CHECKING:
    import pandas as pd

    from analysis.laws.law import Law

__all__ = ["declared_law", "own_results"]


def own_results(sweep: Sweep) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The frames `trials` and `history` of the sweep's own trials."""
    from analysis.sources.frames import history_frame, trials_frame
    from analysis.sources.storage import SweepEntry, read_trial
    from analysis.sources.stored_files import newest_commit

    found = []
    for trial in sweep.trials:
        commit = newest_commit(str(paths.trial_folder(sweep.storage, trial.id)))
        member = SweepEntry(trial.id, trial.role, trial.twin_of, trial.label)
        found.append(read_trial(sweep.storage, member, commit))
    rows = [one.row for one in found]
    seeds = {row.facts["trial"]: row.params.get("seed") for row in rows}
    records = [(one.row.facts["trial"], one.records) for one in found]
    return trials_frame(rows), history_frame(records, seeds)


def declared_law(sweep: Sweep) -> Law:
    """The law that the grid declares."""
    from analysis.laws.law import Law

    return Law.declared(sweep.analysis["law"])
