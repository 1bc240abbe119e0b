"""One seed more: the same points of a grid, trained from other random numbers."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from sweeper.errors import UserError
from sweeper.grid.identity import lineage_id, trial_id
from sweeper.grid.labels import point_label
from sweeper.sweep import PlannedTrial, Sweep
from trainers.trial import Trial

__all__ = ["LEAST_SEEDS", "add_seed", "check_until", "point_of", "seed_count", "with_seed"]

LEAST_SEEDS = 5


def with_seed(planned: PlannedTrial, seed: int, source: str | None = None) -> PlannedTrial:
    """The trial that a grid with this seed would have at the same point.

    `source` is the trial whose parameters it takes, where it is merged.
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

    So does the alias whose parameters one of these takes, and whatever takes theirs: a merged
    trial costs no training.
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
    """How many different seeds the chosen trials have."""
    return len({trial.params["seed"] for trial in sweep.trials if trial.id in chosen})


def check_until(sweep: Sweep) -> None:
    """`UserError` where the rule in `until` could never be met, before anything is trained."""
    if not sweep.until:
        return
    if sweep.search:
        raise UserError(
            f"`until` adds seeds to all points of a grid, and {sweep.search.name} "
            "does not train all of them: leave one of the two out"
        )
    declared = [trial for trial in sweep.trials if trial.role == "declared"]
    if "nu_halfwidth" in sweep.until:
        x = sweep.analysis["law"]["x"]
        values = {
            trial.params[x]
            for trial in declared
            if x in trial.params and (x == "beta" or trial.params.get("beta", 1) == 1)
        }
        if len(values) < 3:
            raise UserError(
                f"nu_halfwidth is about the law of {x}, and a law needs three values "
                f"of {x} (with β = 1); this grid has {len(values)}; see `analysis: "
                "{law: {x: ...}}`"
            )
    elif all(trial.params.get("beta", 1) == 1 for trial in declared):
        raise UserError(
            "equivalence is tested between rows with β ≠ 1 and their partners, "
            "trained with independent seeds: add such rows with `aliases: keep` "
            "(twins share their seeds)"
        )
    if sweep.until["max_seeds"] < LEAST_SEEDS:
        raise UserError(
            f"max_seeds must be at least {LEAST_SEEDS}: stopping at fewer seeds, the "
            "interval covers less than it says"
        )


def point_of(planned: PlannedTrial) -> Trial:
    """The point of the grid that a trial belongs to: its `Trial` with the seed 0."""
    return replace(planned.trial, seed=0)
