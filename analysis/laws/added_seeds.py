"""The interval of ν where seeds were added until it was narrow (`until: {nu_halfwidth: ...}`).

The rule compares the half-width h of the 95 % t interval with the one that was asked for, w. It
stops the sooner the less its seeds happen to scatter, so that h itself covers too little: 93 % of
all sweeps that took about nine seeds for w, and 88 % of the half that got there within a budget of
eight. Therefore

    looks     are taken from five seeds on where the budget is twelve or more; a smaller budget
              is looked at once, at its end
    interval  of the law: that of a t interval at 97 % after one look, 96.5 % after several, and
              if h ≤ w no wider than ± w, for w itself was not chosen by the seeds

With these levels, which were found by simulation, what is called a 95 % interval covers 93 to
97 %, of all sweeps and of those that met w (`python -m analysis.equivalence.error_rates`). Where
the budget is far too small no rule can do so: of those that meet w by luck, as one sweep in five
does within eight seeds if it takes twelve, the interval holds ν in 89 %.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["AddedSeeds", "first_look"]

FIRST, ROOM = 5, 12  # seeds at the first look, and the least budget that allows several
ERROR = {"one look": 0.030, "several": 0.035}


def first_look(most: int) -> int:
    """The number of seeds from which the rule may be met, with a budget of `most` seeds."""
    return FIRST if most >= ROOM else most


@dataclass(frozen=True)
class AddedSeeds:
    """The rule by which seeds were added: the half-width asked for, and the most seeds."""

    halfwidth: float
    most: int

    @classmethod
    def of(cls, sweeps: Iterable[Mapping[str, Any]], axes: tuple[str, str]) -> AddedSeeds | None:
        """The rule of the newest sweep, if it has one on its law of these axes (x, y)."""
        newest = [*sweeps][-1:]
        for sweep in newest:
            rule = (sweep.get("until") or {}).get("rule") or {}
            law = (sweep.get("analysis") or {}).get("law") or {}
            declared = law.get("x", axes[0]), law.get("y", axes[1])
            if "nu_halfwidth" in rule and declared == axes:
                return cls(float(rule["nu_halfwidth"]), int(rule["max_seeds"]))
        return None

    @property
    def error(self) -> float:
        """The error probability of the t interval that covers 95 % with the looks included."""
        return ERROR["several" if first_look(self.most) < self.most else "one look"]
