"""Level c: two settings trained with independent, disjoint seeds; Welch TOST on log metrics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from analysis.equivalence.aliases import Alias, Arm, alias_pairs, deal
from analysis.equivalence.tost import Tost, jointly, require_margin, seeds_missing, together, tost
from analysis.equivalence.verdict import (
    ALPHA,
    LEAST_SEEDS,
    UNDECIDED,
    UNUSABLE,
    divided,
    floor,
    licensed,
    plain,
    repeated,
    said,
    tested_at,
)
from analysis.errors import AnalysisError, TooFewRows
from analysis.sources.rows import require_column, usable
from analysis.statistics.multiplicity import Place, places
from analysis.training.verdicts import Trained
from analysis.wording import number, post_hoc, quantity, trial_name

__all__ = ["METRICS", "SeedVerdict", "across_seeds", "compare_arms", "compare_seeds", "in_family"]

METRICS = ("test/kl", "test/recon")


@dataclass(frozen=True)
class SeedVerdict:
    """Equivalent if every metric is, different if any is (Holm), undecided otherwise.

    tests: by metric, on natural logarithms, where a margin of 0.10 is about 10 %, or without
    `logs` on the values themselves. seeds: those used, by arm. dealt: the sweep used the same
    seeds in both arms, so that each arm uses some of them. needs, if_equal: further seeds per arm
    that decide all metrics together, see `seeds_missing`. copies: number of seeds whose values
    equal another seed's, which are not counted. reason: why the pair is unusable. training: how
    far both arms were trained; only converged ones are called equivalent. p_holm: of the
    pair's claim, corrected over its family; NaN where it stands alone. post_hoc: that the margin
    was chosen after the run, in words.
    """

    labels: tuple[str, str]
    tests: dict[str, Tost]
    seeds: tuple[tuple[object, ...], tuple[object, ...]]
    dealt: bool
    verdict: str
    needs: int | None
    if_equal: int | None
    settings: dict[str, float] = field(default_factory=dict)
    copies: int = 0
    reason: str = ""
    logs: bool = True
    training: Trained = field(default_factory=Trained)
    p_holm: float = math.nan
    post_hoc: str = ""

    @property
    def p(self) -> float:
        """Of the claim that the pair makes: of the equivalence of all metrics, or of a difference
        in any of them (corrected), whichever is smaller; NaN without a test.
        """
        if not self.tests:
            return math.nan
        same = max(test.p for test in self.tests.values())
        return min(same, *(test.p_different for test in self.tests.values()))

    @property
    def every_test(self) -> list[Tost]:
        return [*self.tests.values()]

    def placed(self, place: Place) -> SeedVerdict:
        """The same as one test of a family, with intervals and verdict at its level."""
        if not self.tests:
            return self
        tests = {name: test.at(place.level) for name, test in self.tests.items()}
        needs, if_equal = seeds_missing(list(tests.values()))
        return replace(
            self,
            tests=tests,
            verdict=licensed(together(tests), self.training),
            needs=needs,
            if_equal=if_equal,
            p_holm=place.p,
        )

    @property
    def verdict_text(self) -> str:
        told = said(self.verdict, self.needs, self.if_equal, self.dealt, self.training)
        return told + floor(self.verdict, min(map(len, self.seeds)))

    def to_json(self) -> dict[str, Any]:
        tests = {
            name: test.to_json() | {"verdict": licensed(test.verdict, self.training)}
            for name, test in self.tests.items()
        }
        return plain(
            asdict(self)
            | {
                "level": "seeds",
                "tests": tests,
                "verdict_text": self.verdict_text,
                "training": self.training.to_json(),
                "sentence": self.sentence(),
            }
        )

    def sentence(self) -> str:
        pair = " and ".join(f"({trial_name(one)})" for one in self.labels)
        if self.reason:
            return f"{pair}: {self.verdict}: {self.reason}."
        pair += f" with {len(self.seeds[0])} and {len(self.seeds[1])} disjoint seeds"
        pair += divided(self.dealt)
        if self.copies:
            pair += f" ({repeated(self.copies)})"
        if not self.tests:
            return f"{pair}: too few to test: {self.verdict_text}."
        log = "log " * self.logs
        told = "; ".join(
            f"{log}{quantity(name)} differs by {number(test.difference, 2)} "
            f"({100 - 200 * test.alpha:.3g} %: "
            f"{number(test.low, 2)} to {number(test.high, 2)}; margin {test.margin:g})"
            for name, test in self.tests.items()
        )
        told += tested_at(next(iter(self.tests.values())).alpha, self.p_holm)
        return f"{pair}: {told}: {self.verdict_text}{post_hoc(self.post_hoc)}."


def across_seeds(
    trials: pd.DataFrame,
    margin: float = 0.10,
    metrics: tuple[str, ...] = METRICS,
    alpha: float = ALPHA,
) -> list[SeedVerdict]:
    """A verdict for every alias pair of the sweep (see `aliases.alias_pairs`).

    All pairs are one family: each is tested at the level that Holm's method gives it, and its
    interval is of that level.

    margin: of the log ratio, declared before the run. alpha: level of the family; for sweeps that
    were tested after every seed, `stopping.level_of` them. A pair whose values cannot be used is
    reported as unusable, with the reason. Errors: AnalysisError for a margin that is not above
    zero and finite; those of `compare_arms` if no pair can be used.
    """
    require_margin(margin)
    pairs = alias_pairs(trials)
    found: list[SeedVerdict] = []
    reasons: list[AnalysisError] = []
    for pair in pairs:
        try:
            found.append(compare_arms(pair.first, pair.second, margin, metrics, alpha))
        except AnalysisError as reason:
            reasons.append(reason)
            found.append(_unusable(pair, str(reason)))
    if reasons and len(reasons) == len(found):
        raise reasons[0]
    return in_family(found, alpha)


def in_family(found: Sequence[SeedVerdict], alpha: float = ALPHA) -> list[SeedVerdict]:
    """The verdicts as one family at `alpha`, each at the level that Holm's method gives it."""
    family = places([one.p for one in found], alpha)
    return [one.placed(place) for one, place in zip(found, family, strict=True)]


def _unusable(pair: Alias, reason: str) -> SeedVerdict:
    return SeedVerdict(
        (pair.first.label, pair.second.label),
        {},
        ((), ()),
        False,
        UNUSABLE,
        None,
        None,
        _settings(pair.first, pair.second),
        reason=reason.rstrip("."),
    )


def compare_arms(
    first: Arm,
    second: Arm,
    margin: float = 0.10,
    metrics: tuple[str, ...] = METRICS,
    alpha: float = ALPHA,
) -> SeedVerdict:
    """Level c for two arms; shared seeds are divided between the arms, so that these are disjoint.

    Seeds with exactly the values of another seed, in either arm, are copies and count once.
    Errors: UnknownName for a missing metric, UnusableValues for NaN, zero or negative values,
    TooFewRows if an arm has two rows of one seed.
    """
    arms = [_by_seed(arm, metrics) for arm in (first, second)]
    found = compare_seeds((first.label, second.label), arms, margin, alpha)
    training = Trained.of_rows(pd.concat([first.rows, second.rows]))
    return replace(
        found,
        settings=_settings(first, second),
        training=training,
        verdict=licensed(together(found.tests), training) if found.tests else found.verdict,
    )


def compare_seeds(
    labels: tuple[str, str],
    whole: Sequence[pd.DataFrame],
    margin: float,
    alpha: float = ALPHA,
    logs: bool = True,
) -> SeedVerdict:
    """Level c for any two groups of runs: frames with a column a metric, indexed by seed.

    margin: of the log ratio of positive metrics, or, without `logs`, of their difference.
    """
    scale = np.log if logs else np.asarray
    dealt = bool(set(whole[0].index) & set(whole[1].index))
    arms = _disjoint(list(whole))
    few = min(map(len, arms))
    tests = (
        jointly(
            {
                str(name): tost(scale(arms[0][name]), scale(arms[1][name]), margin, alpha)
                for name in arms[0]
            }
        )
        if few >= 2
        else {}
    )
    needs, if_equal = seeds_missing(list(tests.values())) if tests else (LEAST_SEEDS - few, None)
    kept = (tuple(arms[0].index), tuple(arms[1].index))
    return SeedVerdict(
        labels,
        tests,
        kept,
        dealt,
        licensed(together(tests), Trained()) if tests else UNDECIDED,
        needs,
        if_equal,
        copies=len({*whole[0].index, *whole[1].index}) - len(kept[0]) - len(kept[1]),
        logs=logs,
    )


def _disjoint(arms: list[pd.DataFrame]) -> list[pd.DataFrame]:
    """The arms with disjoint seeds, without seeds whose values equal those of another seed."""
    arms = [arm[~arm.duplicated()] for arm in arms]
    dealt = deal(arms[0].index, arms[1].index)
    first, second = (arm.loc[seeds] for arm, seeds in zip(arms, dealt, strict=True))
    return [first, second[~pd.concat([first, second]).duplicated().to_numpy()[len(first) :]]]


def _settings(first: Arm, second: Arm) -> dict[str, float]:
    return {
        first.x: first.noise,
        "beta": first.beta,
        f"other_{first.x}": second.noise,
        "other_beta": second.beta,
        "effective": first.effective,
    }


def _by_seed(arm: Arm, metrics: tuple[str, ...]) -> pd.DataFrame:
    for name in metrics:
        require_column(arm.rows, name)
        usable(arm.rows, name)
    if arm.rows["seed"].duplicated().any():
        raise TooFewRows(f"{arm.label} has several rows of one seed; an arm needs one row a seed")
    return arm.rows.set_index("seed")[list(metrics)]
