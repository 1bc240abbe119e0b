"""Run all four levels of equivalence tests on an experiment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from analysis.equivalence.algebra import algebra_of_twins
from analysis.equivalence.aliases import no_theorem
from analysis.equivalence.collapse import CollapseVerdict, collapse
from analysis.equivalence.seeds import SeedVerdict, across_seeds
from analysis.equivalence.stopping import level_of
from analysis.equivalence.tost import require_margin
from analysis.equivalence.twins import twins
from analysis.equivalence.verdict import ALPHA
from analysis.errors import AnalysisError
from analysis.sources.schema import Experiment
from analysis.statistics.multiplicity import Place, places

__all__ = ["Examined", "Verdict", "examine"]


class Verdict(Protocol):
    """The interface of the verdicts of all levels."""

    @property
    def verdict(self) -> str: ...

    def sentence(self) -> str: ...

    def to_json(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Examined:
    """The verdicts of all levels.

    verdicts: by level (algebra, twins, seeds, collapse). refusals: why a level has none.
    alpha: level of the family of tests across seeds and of the collapse; below 0.05 if the
        stopping rule tested after each seed.
    note: a sentence on models that have β but no aliases; empty if there are none.
    """

    verdicts: Mapping[str, Sequence[Verdict]] = field(default_factory=dict)
    refusals: Mapping[str, str] = field(default_factory=dict)
    margin: float = 0.10
    alpha: float = ALPHA
    note: str = ""

    @property
    def p(self) -> list[float]:
        """Of each verdict across seeds, for a family at 5 % whatever `alpha` is.

        NaN without a test.
        """
        return [one.p * ALPHA / self.alpha for one in self.across]

    @property
    def across(self) -> list[SeedVerdict | CollapseVerdict]:
        """The verdicts that rest on independent seeds, of pairs and of the collapse."""
        every = (one for verdicts in self.verdicts.values() for one in verdicts)
        return [one for one in every if isinstance(one, SeedVerdict | CollapseVerdict)]

    @property
    def post_hoc(self) -> bool:
        """Whether the margin of these tests was chosen after the run."""
        return any(one.post_hoc for one in self.across)

    def placed(self, family: Iterator[Place]) -> Examined:
        """The same with the next places of a family at 5 %, one for each of `p`."""

        def one(verdict: Verdict) -> Verdict:
            if not isinstance(verdict, SeedVerdict | CollapseVerdict):
                return verdict
            place = next(family)
            return verdict.placed(replace(place, level=place.level * self.alpha / ALPHA))

        return replace(
            self, verdicts={level: [*map(one, every)] for level, every in self.verdicts.items()}
        )


def examine(experiment: Experiment, margin: float = 0.10, post_hoc: str = "") -> Examined:
    """Run the tests of every level that applies to these trials, with a declared margin.

    Those that are repeated over seeds, of pairs and of the collapse, are one family (Holm).
    post_hoc: that the margin was chosen after the run, in words.
    Errors: AnalysisError for a margin that is not finite and above zero.
    """
    require_margin(margin)
    trials = experiment.trials
    if trials.empty:
        return Examined(margin=margin)
    alpha = level_of(experiment.sweeps)
    asked: dict[str, Callable[[], Sequence[Verdict]]] = {
        "algebra": lambda: algebra_of_twins(experiment),
        "twins": lambda: twins(experiment),
        "seeds": lambda: [
            replace(one, post_hoc=post_hoc) for one in across_seeds(trials, margin, alpha=alpha)
        ],
        "collapse": lambda: [
            replace(one, post_hoc=post_hoc)
            for one in (collapse(trials, margin, alpha=alpha) if "test/kl" in trials else [])
        ],
    }
    verdicts: dict[str, Sequence[Verdict]] = {}
    refusals: dict[str, str] = {}
    for level, ask in asked.items():
        try:
            verdicts[level] = ask()
        except AnalysisError as refusal:
            refusals[level] = str(refusal)
    found = Examined(verdicts, refusals, margin, alpha, no_theorem(trials))
    return found.placed(iter(places(found.p)))
