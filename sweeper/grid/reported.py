"""The names of the metrics that trials report, determined without training."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sweeper.sweep import PlannedTrial
from trainers.metrics import PARTS, metric_names

__all__ = ["PARTS", "reported"]

KINDS = ("objective", "likelihood", "network", "corruption", "data")


def reported(trials: Iterable[PlannedTrial]) -> Iterator[tuple[PlannedTrial, frozenset[str]]]:
    """One trial for each combination of component names, with the names of its metrics."""
    kinds = {
        tuple(getattr(getattr(one.trial, kind), "name", None) for kind in KINDS): one
        for one in trials
    }
    for one in kinds.values():
        yield one, metric_names(one.trial)
