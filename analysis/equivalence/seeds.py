"""Level c: two settings trained with independent, disjoint seeds; Welch TOST on log metrics."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from analysis.equivalence.aliases import POWERS, Arm, alias_pairs, deal
from analysis.equivalence.tost import LEAST_SEEDS, Tost, tost
from analysis.equivalence.verdict import DIFFERENT, EQUIVALENT, UNDECIDED, plain, said
from analysis.errors import TooFewRows
from analysis.rows import require_column, usable
from analysis.wording import number, quantity

__all__ = ["METRICS", "SeedVerdict", "across_seeds", "compare_arms"]

METRICS = ("test/kl", "test/recon")


@dataclass(frozen=True)
class SeedVerdict:
    """Equivalent if every metric is, different if any is, undecided otherwise.

    tests: by metric, on natural logarithms: a margin of 0.10 is about 10 %. seeds: those used,
    by arm. dealt: the sweep used the same seeds in both arms, so each arm got some of them.
    """

    labels: tuple[str, str]
    tests: dict[str, Tost]
    seeds: tuple[tuple[object, ...], tuple[object, ...]]
    dealt: bool
    verdict: str
    needs: int | None
    if_equal: int | None
    settings: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        tests = {name: plain(asdict(test)) for name, test in self.tests.items()}
        return plain(asdict(self) | {"level": "seeds", "tests": tests,
                                     "verdict_text": said(self.verdict, self.needs, self.if_equal),
                                     "sentence": self.sentence()})

    def sentence(self) -> str:
        counts = f"{len(self.seeds[0])} and {len(self.seeds[1])} disjoint seeds"
        pair = f"({self.labels[0]}) and ({self.labels[1]}) with {counts}"
        if not self.tests:
            return f"{pair}: too few to test: {said(self.verdict, self.needs, self.if_equal)}."
        told = "; ".join(
            f"log {quantity(name)} differs by {number(test.difference, 2)} (90 %: "
            f"{number(test.low, 2)} to {number(test.high, 2)}; margin {test.margin:g})"
            for name, test in self.tests.items())
        return f"{pair}: {told}: {said(self.verdict, self.needs, self.if_equal)}."


def across_seeds(trials: pd.DataFrame, margin: float = 0.10,
                 metrics: tuple[str, ...] = METRICS) -> list[SeedVerdict]:
    """A verdict for every alias pair of the sweep (see `aliases.alias_pairs`).

    margin: of the log ratio, declared before the run. Errors: as `compare_arms`.
    """
    return [compare_arms(pair.first, pair.second, margin, metrics)
            for pair in alias_pairs(trials)]


def compare_arms(first: Arm, second: Arm, margin: float = 0.10,
                 metrics: tuple[str, ...] = METRICS) -> SeedVerdict:
    """Level c for two arms; shared seeds are dealt out so that the arms are disjoint.

    Errors: UnknownName for a missing metric, UnusableValues for NaN, zero or negative values,
    TooFewRows if an arm has two rows of one seed.
    """
    arms = [_by_seed(arm, metrics) for arm in (first, second)]
    seeds = deal(arms[0].index, arms[1].index)
    dealt = bool(set(arms[0].index) & set(arms[1].index))
    few = min(len(seed) for seed in seeds)
    tests = {} if few < 2 else {
        name: tost(np.log(arms[0].loc[seeds[0], name]), np.log(arms[1].loc[seeds[1], name]),
                   margin) for name in metrics}
    verdict = _together(tests)
    needs, if_equal = _missing(tests) if tests else (LEAST_SEEDS - few, None)
    return SeedVerdict((first.label, second.label), tests, (tuple(seeds[0]), tuple(seeds[1])),
                       dealt, verdict, needs if verdict == UNDECIDED else None, if_equal,
                       _settings(first, second))


def _settings(first: Arm, second: Arm) -> dict[str, float]:
    return {first.x: first.noise, "beta": first.beta, f"other_{first.x}": second.noise,
            "other_beta": second.beta, "effective": first.noise * first.beta ** POWERS[first.x]}


def _by_seed(arm: Arm, metrics: tuple[str, ...]) -> pd.DataFrame:
    for name in metrics:
        require_column(arm.rows, name)
        usable(arm.rows, name)
    if arm.rows["seed"].duplicated().any():
        raise TooFewRows(f"{arm.label} has several rows of one seed; an arm needs one row a seed")
    return arm.rows.set_index("seed")


def _together(tests: dict[str, Tost]) -> str:
    verdicts = {test.verdict for test in tests.values()}
    if verdicts == {EQUIVALENT}:
        return EQUIVALENT
    return DIFFERENT if DIFFERENT in verdicts else UNDECIDED


def _missing(tests: dict[str, Tost]) -> tuple[int | None, int | None]:
    """Further seeds an arm until every metric is decided: as seen, and if truly equal."""
    if DIFFERENT in {test.verdict for test in tests.values()}:
        return None, None
    left = [test for test in tests.values() if test.verdict == UNDECIDED]
    return _most([test.needs for test in left]), _most([test.if_equal for test in left])


def _most(needs: list[int | None]) -> int | None:
    known = [n for n in needs if n is not None]
    return max(known) if known and len(known) == len(needs) else None
