"""The trials of a law that are not trained by their own histories, and ν without them.

A law keeps them: to leave them out would change the range that was declared before the run by its
result. Its own verdict is by the drift of ν (`analysis.laws.convergence`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.errors import AnalysisError
from analysis.statistics.estimate import Estimate
from analysis.training.verdicts import COLUMN, UNTRAINED
from analysis.wording import number, percent, plural, post_hoc, symbol

__all__ = ["ShortTrials", "short_together", "short_trials"]


@dataclass(frozen=True)
class ShortTrials:
    """How many of a law's trials are not trained: `short` of `of`.

    without: ν over the `left` values of x at which every trial is trained, with its interval; None
    where they are too few for a law.
    """

    x: str
    short: int
    of: int
    left: int
    without: Estimate | None

    @property
    def chosen(self) -> str:
        """Why ν without them is post hoc, in words."""
        return f"these {symbol(self.x)} were chosen by their outcome"

    @property
    def count(self) -> str:
        """``7 of its 27 trials are not trained``."""
        are = "is" if self.short == 1 else "are"
        return f"{self.short} of its {plural(self.of, 'trial')} {are} {UNTRAINED}"

    def sentence(self, one_seed: bool) -> str:
        """one_seed : of one seed's curve there is no interval."""
        one = self.short == 1
        kept = (
            f"By {'its' if one else 'their'} own histor{'y' if one else 'ies'} {self.count}; "
            f"the fit keeps {'it' if one else 'them'}"
        )
        if self.without is None:
            return f"{kept}; too few {symbol(self.x)} at which all are trained are left for a law."
        nu, level = self.without, percent(self.without.level)
        width = f" ({level}: {number(nu.low)} to {number(nu.high)})" * (
            math.isfinite(nu.low) and not one_seed
        )
        return (
            f"{kept}. Over the {self.left} {symbol(self.x)} at which all are trained ν is "
            f"{number(nu.value)}{width}{post_hoc(self.chosen)}."
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "not_trained": self.short,
            "trials": self.of,
            "values_left": self.left,
            "post_hoc": self.chosen,
            "nu_without": None if self.without is None else self.without.to_json(),
        }


def short_together(found: Sequence[ShortTrials]) -> str:
    """``11 of their 42 trials are not trained``, of several laws; nothing of none."""
    count, of = sum(one.short for one in found), sum(one.of for one in found)
    if not count:
        return ""
    whose = "their " if len(found) > 1 else "one law's "
    return f"{count} of {whose}{plural(of, 'trial')} {'is' if count == 1 else 'are'} {UNTRAINED}"


def short_trials(
    rows: pd.DataFrame, x: str, exponent: Callable[[pd.DataFrame], Estimate]
) -> ShortTrials | None:
    """Of the rows of a law; None if none is known to be untrained.

    exponent: ν of a part of the rows, or AnalysisError if it holds no law.
    """
    if COLUMN not in rows or not (short := rows[COLUMN] == UNTRAINED).any():
        return None
    left = rows[~rows[x].isin(rows.loc[short, x])]
    try:
        without = exponent(left)
    except AnalysisError:
        without = None
    return ShortTrials(x, int(short.sum()), len(rows), int(left[x].nunique()), without)
