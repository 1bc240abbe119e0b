"""Two groups of trials, and how they differ in one metric at one setting."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from analysis.statistics.contrast import design
from analysis.statistics.estimate import Estimate
from analysis.statistics.multiplicity import Place
from analysis.training.verdicts import UNTRAINED, Trained
from analysis.wording import listed, number, percent, probability, quantity, symbol

__all__ = ["Comparison", "Groups"]


@dataclass(frozen=True)
class Groups:
    """Two groups of trials, each by field -> value or list of values; names for the reader."""

    first: Mapping[str, object]
    second: Mapping[str, object]
    names: tuple[str, str] | None = None

    @property
    def labels(self) -> tuple[str, str]:
        return self.names or (_words(self.first), _words(self.second))


@dataclass(frozen=True)
class Comparison:
    """first − second of one metric at one setting, in the metric's own units.

    paired: whether the same seeds stand on both sides, and differences are taken seed by seed.
    n, means: of the seeds used; seeds: how many each group has. difference: its paired or Welch's
    t interval, simultaneous for all comparisons of the family; its p is of this test alone, p_holm
    corrected over the family.
    effect: Hedges' g, the difference in standard deviations of one seed (of pairs the root mean
    square of both sides', g_av), with its own interval; NaN below three pairs.
    also: fields that differ with the groups, and so may be the cause as well.
    training: how far the trials of both groups were trained; of untrained ones nothing is claimed.
    splits: of the data, over which the values of each seed were averaged.
    """

    metric: str
    groups: tuple[str, str]
    setting: dict[str, object]
    n: tuple[int, int]
    means: tuple[float, float]
    difference: Estimate
    effect: Estimate
    seeds: tuple[int, int]
    p_holm: float = field(default=math.nan)
    paired: bool = False
    also: tuple[str, ...] = ()
    training: Trained = field(default_factory=Trained)
    splits: int = 1

    @property
    def p(self) -> float:
        """Of this test alone."""
        return self.difference.p

    def placed(self, place: Place) -> Comparison:
        """The same as one test of a family."""
        return replace(self, p_holm=place.p, difference=self.difference.simultaneous(place.tests))

    @property
    def untested(self) -> str:
        """Why there is no interval, or nothing."""
        if math.isfinite(self.difference.se):
            return ""
        if min(self.n) < 2:
            return "needs two seeds each"
        return "seeds do not scatter at all" if not self.paired else "same difference in each seed"

    @property
    def design(self) -> str:
        mean = f", each the mean of {self.splits} splits" * (self.splits > 1)
        return design(self.paired, self.n, self.seeds) + mean

    @property
    def verdict(self) -> str:
        """differ, not shown to differ, not tested (see `untested`), or not trained."""
        if not math.isfinite(self.p_holm):
            return "not tested"
        if self.training.verdict == UNTRAINED:
            return UNTRAINED
        return "differ" if self.p_holm < 1 - self.difference.level else "not shown to differ"

    @property
    def claims(self) -> bool:
        """Whether anything is claimed of the difference."""
        return self.verdict in ("differ", "not shown to differ")

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {
            "difference": self.difference.to_json(),
            "effect": self.effect.to_json(),
            "p_holm": self.p_holm if math.isfinite(self.p_holm) else None,
            "design": self.design,
            "training": self.training.to_json(),
            "sentence": self.sentence(),
        }

    def sentence(self) -> str:
        at = f" at {_words(self.setting)}" if self.setting else ""
        d, first, second = self.difference, *self.groups
        if self.untested:
            return (
                f"{quantity(self.metric)}{at}: {first} − {second} = {number(d.value)}; "
                f"{self._why_untested()}."
            )
        told = (
            f"{number(d.value)} ({percent(d.level)}{self._at_once()}; {self.design}: "
            f"{number(d.low)} to {number(d.high)}"
        )
        if self.verdict == UNTRAINED:
            return (
                f"{quantity(self.metric)}{at}: {first} − {second} = {told}); "
                f"{self.training.remark}."
            )
        verdict = "differ" if self.verdict == "differ" else "are not shown to differ"
        also = f"; they also differ in {listed(map(symbol, self.also))}" if self.also else ""
        also += f"; {self.training.remark}" * bool(self.training.remark)
        effect = (
            f", effect size {number(self.effect.value, 2)}"
            if math.isfinite(self.effect.value)
            else ""
        )
        return (
            f"{quantity(self.metric)}{at}: {first} and {second} {verdict}: difference {told}; "
            f"{'Holm ' * (d.family > 1)}{probability(self.p_holm)}){effect}{also}."
        )

    def _at_once(self) -> str:
        return " simultaneous" * (self.difference.family > 1)

    def _why_untested(self) -> str:
        """Why there is no interval, in words."""
        if min(self.n) < 2:
            return "an interval needs two seeds in each group"
        if self.paired:
            return (
                "the difference is the same in every seed, so nothing tells how much it scatters, "
                "and there is no interval"
            )
        return (
            "within each group all seeds have the same number, so nothing tells how much seeds "
            "scatter, and there is no interval"
        )


def _words(where: Mapping[str, object]) -> str:
    return (
        ", ".join(
            f"{symbol(name)} = "
            f"{listed(value) if isinstance(value, list | tuple) else _short(value)}"
            for name, value in where.items()
            if value is not None
        )
        or "all"
    )


def _short(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
