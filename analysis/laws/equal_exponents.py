"""Whether ν is equal in several groups: the values of any field, or the groups of a table.

Example::

    equal_exponents(experiment.trials, Law(), over="d_z", history=experiment.history)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

import pandas as pd

from analysis.laws.common_x import CommonX, common_x
from analysis.laws.evidence import trained
from analysis.laws.hypotheses import Against, together
from analysis.laws.law import Law
from analysis.laws.powerlaw import PowerLaw
from analysis.laws.scaling import laws_by
from analysis.statistics.contrast import seed_contrast
from analysis.statistics.estimate import Estimate, unknown
from analysis.statistics.means import WELCH
from analysis.statistics.multiplicity import which_decides
from analysis.wording import setting

__all__ = ["EqualExponents", "equal_between", "equal_exponents"]


@dataclass(frozen=True)
class EqualExponents:
    """ν in every pair of groups, corrected as one family (Holm).

    left_out: the groups without a law, with the reason.
    """

    pairs: tuple[Against, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def note(self) -> str:
        """Which of p and interval decides, where they seem to disagree; else nothing."""
        return which_decides((one.p_holm, one.difference) for one in self.pairs)

    def to_json(self) -> dict[str, Any]:
        note = {"note": self.note} if self.note else {}
        pairs = [pair.to_json() for pair in self.pairs]
        return {"pairs": pairs, "left_out": dict(self.left_out), **note}


def equal_exponents(
    trials: pd.DataFrame,
    law: Law,
    over: str,
    level: float = 0.95,
    history: pd.DataFrame | None = None,
) -> EqualExponents:
    """ν equal in every pair of values of the column `over`, of any type, missing values included.

    history: `Experiment.history`; without it the sentences say that training is unknown.
    Errors: UnknownName; TooFewRows unless two values of `over` give a law.
    """
    found, left_out = laws_by(trials, law, over, level, history)
    laws = {setting(over, value): one for value, one in found.items()}
    left = {setting(over, value): why for value, why in left_out.items()}
    return replace(equal_between(laws, level), left_out=left)


def equal_between(laws: Mapping[str, PowerLaw], level: float = 0.95) -> EqualExponents:
    """ν equal in every pair of these laws, by the names of their groups.

    Over the values of x that both of a pair have; of fewer than three there is no test. Paired
    over the seeds of both groups where these are two or more and half of each group's, else
    Welch; without two seeds a group there is no test. It allows for looks if either law does.
    """
    tests = [_pair(*pair, level=level) for pair in combinations(laws.items(), 2)]
    return EqualExponents(tuple(together(tests)))


def _pair(first: tuple[str, PowerLaw], second: tuple[str, PowerLaw], level: float) -> Against:
    (one, mine), (other, theirs) = first, second
    shared = common_x([mine, theirs])
    said = f"Equal ν for {one} and {other}"
    training, later = trained([mine, theirs]), mine.law.post_hoc
    if not shared.enough:
        none = unknown(math.nan, WELCH, level)
        return Against(said, mine.nu, theirs.nu, none, None, training, later, shared.refusal)
    found = _difference(mine, theirs, shared, level)
    return Against(f"{said}{shared.over('both')}", *found, training=training, post_hoc=later)


def _difference(
    mine: PowerLaw, theirs: PowerLaw, shared: CommonX, level: float
) -> tuple[float, float, Estimate]:
    """ν of both, of the seeds that the test uses, and their difference."""
    if not (mine.seed and theirs.seed):
        nu, other = shared.nu(mine), shared.nu(theirs)
        return nu, other, unknown(nu - other, WELCH, level)
    both = seed_contrast(*(pd.Series(shared.nu_by_seed(law)) for law in (mine, theirs)))
    found = both.difference(level)
    if both.paired and both.n != both.seeds:
        found = replace(found, method=f"{found.method} on {both.design.removeprefix('paired, ')}")
    if mine.law.looked or theirs.law.looked:
        found = found.after_looks()
    return float(both.first.mean()), float(both.second.mean()), found
