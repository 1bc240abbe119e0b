"""Add seeds to a sweep: trials at the same points of the grid with another seed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from sweeper.grid.identity import lineage_id, trial_id
from sweeper.grid.labels import point_label
from sweeper.sweep import PlannedTrial, Sweep
from trainers.trial import Trial

__all__ = ["LEAST_SEEDS", "add_seed", "point_of", "seed_count", "with_seed"]

LEAST_SEEDS = 5


def with_seed(planned: PlannedTrial, seed: int, source: str | None = None) -> PlannedTrial:
    """The trial that a grid with this seed would have at the same point.

    `source` is the id of the trial whose parameters it takes, if it is merged.
    """
    trial = replace(planned.trial, seed=seed)
    checksum = str(planned.data["checksum"])
    return replace(
        planned,
        id=trial_id(trial, checksum, source),
        merged_from=source,
        lineage=lineage_id(trial, checksum),
        trial=trial,
        label=f"{point_label(planned.label)} seed={seed}",
        params={**planned.params, "seed": seed},
    )


def add_seed(sweep: Sweep, chosen: Collection[str]) -> Sweep:
    """The sweep with one new seed at every point that has a trial among the `chosen` ids.

    Sources of chosen merged trials get the seed too, and so do all trials merged from them, as
    these need no training.
    """
    seed = 1 + max(int(trial.params["seed"]) for trial in sweep.trials)
    at = {trial.id: point_of(trial) for trial in sweep.trials}
    trained = {trial.merged_from or trial.id for trial in sweep.trials if trial.id in chosen}
    new = {at[trial.id]: with_seed(trial, seed) for trial in sweep.trials if trial.id in trained}
    merged = {
        at[trial.id]: with_seed(trial, seed, new[at[trial.merged_from]].id)
        for trial in sweep.trials
        if trial.merged_from and at[trial.merged_from] in new
    }
    return replace(sweep, trials=(*sweep.trials, *new.values(), *merged.values()))


def seed_count(sweep: Sweep, chosen: Collection[str]) -> int:
    """The number of different seeds of the chosen trials."""
    return len({trial.params["seed"] for trial in sweep.trials if trial.id in chosen})


def point_of(planned: PlannedTrial) -> Trial:
    """The point of the grid that a trial belongs to: its `Trial` with the seed 0."""
    return replace(planned.trial, seed=0)
