"""The names of trials' MLflow runs: what varies in the sweep comes first.

MLflow's tables cut a name at about twelve letters.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable

from sweeper.sweep import PlannedTrial

__all__ = ["RunNames"]

BETWEEN = re.compile(r" (?=[^ =]+=)")  # a value may have spaces


class RunNames:
    """Names for the trials of one sweep, which may grow.

    A name has the words of the trial's label in another order: ``σ=0.12 β=4 s1 sigma_vae`` for
    ``sigma_vae σ=0.12 β=4 seed=1``.
    """

    def __init__(self, trials: Iterable[PlannedTrial] = ()) -> None:
        self._values: dict[str, set[str]] = defaultdict(set)
        self._having: Counter[str] = Counter()
        self._trials = 0
        self.add(trials)

    def add(self, trials: Iterable[PlannedTrial]) -> None:
        """Count the values of more trials' labels."""
        for trial in trials:
            self._trials += 1
            for word in _words(trial.label):
                self._values[_key(word)].add(word)
                self._having[_key(word)] += 1

    def name(self, trial: PlannedTrial) -> str:
        """The settings that vary, the seed, the model, and then the settings that are the same."""
        model, *words = BETWEEN.split(trial.label)
        seed = words.pop() if words and words[-1].startswith("seed=") else ""
        varying = [word for word in words if self._varies(word)]
        same = [word for word in words if word not in varying]
        first = [*varying, f"s{seed.removeprefix('seed=')}" if seed else "", model, *same]
        return " ".join(filter(None, first))

    def _varies(self, word: str) -> bool:
        """Whether another trial has another value, or none."""
        key = _key(word)
        return len(self._values[key]) > 1 or self._having[key] < self._trials


def _words(label: str) -> list[str]:
    return BETWEEN.split(label)[1:]


def _key(word: str) -> str:
    return word.partition("=")[0]
