"""Whether a search that looks at results can work, asked before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence

from sweeper.errors import UserError
from sweeper.search import Search
from sweeper.search.halving import Halving
from sweeper.spec.complaints import nearest
from sweeper.spec.reported import PARTS, reported
from sweeper.spec.seeds import point_of
from sweeper.sweep import PlannedTrial, Sweep

__all__ = ["check_search"]


def check_search(sweep: Sweep, foreseen: Sequence[PlannedTrial]) -> None:
    """`UserError` where a search that looks at results cannot work, before anything is trained.

    `foreseen` : the trials of the sweep, and examples of those that the search will make up.
    """
    if not sweep.search:
        return
    blocks = sweep.proposals.blocks if sweep.proposals else ()
    merges = any(block.aliases == "merge" for block, _ in blocks)
    if merges or any(one.role in ("twin", "merged") for one in foreseen):
        raise UserError(f"{sweep.search.name} does not train every trial to its end, and a twin "
                        "needs its partner, as a merged trial does: write `aliases: keep`")
    _check_goals(sweep.search, foreseen)
    if isinstance(sweep.search, Halving):
        _check_rungs(sweep.search, sweep.trials)


def _check_rungs(search: Halving, trials: Sequence[PlannedTrial]) -> None:
    lengths = {int(trial.params["epochs"]) for trial in trials}
    if len(lengths) > 1:
        raise UserError(f"{search.name} compares trials of one length, and these have "
                        f"{', '.join(map(str, sorted(lengths)))} epochs")
    epochs = lengths.pop()
    if search.min_epochs >= epochs:
        raise UserError(f"min_epochs must be less than the {epochs} epochs of a trial, and is "
                        f"{search.min_epochs}")
    every = {int(trial.config["training"]["test_every"]) for trial in trials}
    held_out = search.metric.startswith(("test/", "validation/"))
    if held_out and any(search.min_epochs % one for one in every):
        raise UserError(f"{search.metric} is measured every {max(every)} epochs (test_every), so "
                        f"min_epochs must be a multiple of that, and is {search.min_epochs}")
    points = len({point_of(trial) for trial in trials})
    least = search.reduction ** (len(search.rungs(epochs)) - 1)
    if points < least:
        raise UserError(f"with rungs at {', '.join(map(str, search.rungs(epochs)))} epochs it "
                        f"takes {least} points for one of them to be trained to its end, and "
                        f"there are {points}: add points, or raise min_epochs or reduction")


def _check_goals(search: Search, trials: Sequence[PlannedTrial]) -> None:
    """Every trial reports every metric that is looked for; one of each kind is asked.

    What evaluations find has names that are known when they have found it.
    """
    for one, known in reported(trials):
        for goal, _ in search.goals:
            recorded = goal.partition("/")[0] in PARTS or isinstance(search, Halving)
            if goal not in known and (recorded or not one.evaluate):
                raise UserError(f"{one.params['model']} reports no metric {goal!r}"
                                f"{nearest(goal, known)} (it reports {', '.join(sorted(known))})")
