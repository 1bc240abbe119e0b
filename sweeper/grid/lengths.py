"""Train a sweep on: the same trials with more epochs, which go on from the shorter ones."""

from __future__ import annotations

from dataclasses import replace

from sweeper.grid.identity import lineage_id, trial_id
from sweeper.sweep import PlannedTrial, Sweep

__all__ = ["epochs_of", "train_on"]


def epochs_of(sweep: Sweep) -> int:
    """The number of epochs of the sweep's longest trial."""
    return max(int(trial.params["epochs"]) for trial in sweep.trials)


def train_on(sweep: Sweep, epochs: int) -> Sweep:
    """The sweep with so many epochs in every trial: the trials that a grid with them would have.

    Twins and merged trials refer to the longer trials.
    """
    longer: dict[str, PlannedTrial] = {}
    for planned in sorted(sweep.trials, key=lambda one: one.merged_from is not None):
        trial = replace(planned.trial, training=replace(planned.trial.training, epochs=epochs))
        checksum = str(planned.data["checksum"])
        source = longer[planned.merged_from].id if planned.merged_from else None
        longer[planned.id] = replace(
            planned,
            id=trial_id(trial, checksum, source),
            merged_from=source,
            lineage=lineage_id(trial, checksum),
            trial=trial,
            params={**planned.params, "epochs": epochs},
        )
    return replace(
        sweep,
        trials=tuple(
            replace(longer[one.id], twin_of=longer[one.twin_of].id)
            if one.twin_of
            else longer[one.id]
            for one in sweep.trials
        ),
    )
