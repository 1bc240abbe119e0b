"""Whether a search that looks at results can work, asked before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence

from sweeper.errors import UserError
from sweeper.grid.complaints import nearest
from sweeper.grid.reported import PARTS, reported
from sweeper.sweep import PlannedTrial, Search, Sweep

__all__ = ["check_search"]


def check_search(sweep: Sweep, foreseen: Sequence[PlannedTrial]) -> None:
    """`UserError` where a search that looks at results cannot work, before anything is trained.

    `foreseen` : the trials of the sweep, and examples of those that the search will make up.
    """
    if not sweep.search:
        return
    merges = sweep.proposals and sweep.proposals.merges
    if merges or any(one.role in ("twin", "merged") for one in foreseen):
        raise UserError(
            f"{sweep.search.name} does not train every trial to its end, and a twin "
            "needs its partner, as a merged trial does: write `aliases: keep`"
        )
    _check_goals(sweep.search, foreseen)
    sweep.search.check(sweep.trials)


def _check_goals(search: Search, trials: Sequence[PlannedTrial]) -> None:
    """Every trial reports every metric that is looked for; one of each kind is asked.

    What evaluations find has names that are known when they have found it.
    """
    for one, known in reported(trials):
        for goal, _ in search.goals:
            recorded = goal.partition("/")[0] in PARTS or search.midway
            if goal not in known and (recorded or not one.evaluate):
                raise UserError(
                    f"{one.params['model']} reports no metric {goal!r}"
                    f"{nearest(goal, known)} (it reports {', '.join(sorted(known))})"
                )
