"""The metrics that trials will report, known before anything is trained."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sweeper.sweep import PlannedTrial
from trainers.metrics import PARTS, metric_names

__all__ = ["PARTS", "reported"]

KINDS = ("objective", "likelihood", "network", "corruption", "data")


def reported(trials: Iterable[PlannedTrial]) -> Iterator[tuple[PlannedTrial, frozenset[str]]]:
    """One trial of each kind, with the names of the metrics of its records."""
    kinds = {
        tuple(getattr(getattr(one.trial, kind), "name", None) for kind in KINDS): one
        for one in trials
    }
    for one in kinds.values():
        yield one, metric_names(one.trial)
