"""Run all four levels of equivalence tests on an experiment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from analysis.equivalence.algebra import algebra_of_twins
from analysis.equivalence.aliases import no_theorem
from analysis.equivalence.collapse import collapse
from analysis.equivalence.seeds import across_seeds
from analysis.equivalence.stopping import level_of
from analysis.equivalence.tost import require_margin
from analysis.equivalence.twins import twins
from analysis.equivalence.verdict import ALPHA
from analysis.errors import AnalysisError
from analysis.sources.schema import Experiment

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
    alpha: level of the tests across seeds and of the collapse; below 0.05 if the stopping rule
        tested after each seed.
    note: a sentence on models that have β but no aliases; empty if there are none.
    """

    verdicts: Mapping[str, Sequence[Verdict]] = field(default_factory=dict)
    refusals: Mapping[str, str] = field(default_factory=dict)
    margin: float = 0.10
    alpha: float = ALPHA
    note: str = ""


def examine(experiment: Experiment, margin: float = 0.10) -> Examined:
    """Run the tests of every level that applies to these trials, with a declared margin.

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
        "seeds": lambda: across_seeds(trials, margin, alpha=alpha),
        "collapse": lambda: collapse(trials, margin, alpha=alpha),
    }
    verdicts: dict[str, Sequence[Verdict]] = {}
    refusals: dict[str, str] = {}
    for level, ask in asked.items():
        try:
            verdicts[level] = ask()
        except AnalysisError as refusal:
            refusals[level] = str(refusal)
    return Examined(verdicts, refusals, margin, alpha, no_theorem(trials))
