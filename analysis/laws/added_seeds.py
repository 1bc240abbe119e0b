"""The interval of ν where seeds were added until it was narrow (`until: {nu_halfwidth: ...}`).

The rule compares the half-width h of the 95 % t interval with the one that was asked for, w. It
stops the sooner the less its seeds happen to scatter, so that h itself covers too little: 92 % of
sweeps that take about thirteen seeds for w. Therefore

    looks     are taken from five seeds on where the budget is twelve or more; a smaller budget
              is always trained, and looked at once, at its end
    interval  of the law: the t interval at 97.5 % for what is called 95 %. From five seeds on it
              is 14 to 26 % wider than h, and so may be wider than w where the rule is met

By simulation (`python -m analysis.equivalence.error_rates`) it holds ν in 95 to 98 % of all
sweeps, and in 93 to 98 % of those that met w where at least six in ten do so within the budget.
Where fewer do, they are the ones whose seeds happen to scatter little, and it holds ν in fewer of
them: in 92 % where 44 % met w (± 0.015, 12 seeds), in 87 % where 17 % did (± 0.02, 5 seeds), in
69 % where 4 % did (± 0.0125, 5 seeds). No rule with a limit on its seeds covers 95 % of those that
meet a width, whatever the scatter is (Dantzig 1940), and the seeds do not say how many would.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["SLOPE_SD", "few_meet", "first_look", "stopped_by_looks"]

FIRST, ROOM = 5, 12  # seeds at the first look, and the least budget that allows several
SLOPE_SD = 0.026  # of ν between seeds, as measured on digits
ENOUGH = 0.6  # share of sweeps that meet a rule, from which their intervals cover


def first_look(most: int) -> int:
    """The number of seeds from which the rule may be met, with a budget of `most` seeds."""
    return FIRST if most >= ROOM else most


def few_meet(width: float, most: int) -> str:
    """That few sweeps of at most `most` seeds get as narrow as ± `width`; nothing where enough do.

    By the χ² distribution of the scatter of `most` seeds, with the sd that was measured on digits;
    looks before them raise the share by up to a third of itself.
    """
    from scipy import stats  # takes 0.3 s, which a plan without such a rule does without

    half = SLOPE_SD * float(stats.t.ppf(0.975, most - 1)) / math.sqrt(most)
    meet = float(stats.chi2.cdf((most - 1) * (width / half) ** 2, most - 1))
    if meet >= ENOUGH:
        return ""
    return (
        f"where seeds scatter as on digits (sd of ν {SLOPE_SD:g}) {100 * meet:.0f} % of sweeps "
        "get there, whose intervals may hold ν less often than they say: a larger max_seeds is "
        "safer"
    )


def stopped_by_looks(sweeps: Iterable[Mapping[str, Any]], axes: tuple[str, str]) -> bool:
    """Whether one of the sweeps had a rule add seeds for its law of these axes (x, y).

    A later sweep without the rule does not undo that. A grid that declares as many seeds as the
    budget allows had none added. A sweep whose path is not known (from MLflow) counts as one that
    had.
    """
    return any(_stopped(sweep, axes) for sweep in sweeps)


def _stopped(sweep: Mapping[str, Any], axes: tuple[str, str]) -> bool:
    until = sweep.get("until") or {}
    rule, law = until.get("rule") or {}, (sweep.get("analysis") or {}).get("law") or {}
    if "nu_halfwidth" not in rule or (law.get("x", axes[0]), law.get("y", axes[1])) != axes:
        return False
    seeds = [step["seeds"] for step in until.get("path") or () if "seeds" in step]
    return not seeds or seeds[0] < rule["max_seeds"]
