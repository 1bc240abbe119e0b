"""Pairs of a sweep's trials that learn the same parameters, and what merging them saves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sweeper.grid.aliases import partner
from sweeper.grid.identity import trial_id
from sweeper.planning.capacity import Estimate
from sweeper.sweep import PlannedTrial

__all__ = ["AliasPair", "Merging", "alias_pairs", "merging"]


@dataclass(frozen=True)
class AliasPair:
    """Labels of two trials that learn the same parameters; the partner has β = 1.

    `twin` : both are trained, and tested for equality. `merged` : only the partner is trained.
    `eps` : Adam's ε of the first.
    """

    trial: str
    partner: str
    twin: bool
    eps: float
    merged: bool = False


@dataclass(frozen=True)
class Merging:
    """What `aliases: merge` saves: a number of trials that need no training, and their seconds.

    `would` : the grid keeps its aliases, so this is what merging them would save.
    """

    trials: int
    seconds: float
    would: bool


def alias_pairs(trials: Sequence[PlannedTrial]) -> tuple[AliasPair, ...]:
    """The pairs of which both trials are in the sweep."""
    labels = {trial.id: trial.label for trial in trials}
    pairs = []
    for trial in trials:
        if trial.params.get("beta", 1) == 1:
            continue
        other = partner(trial.trial)
        found = (
            trial.twin_of
            or trial.merged_from
            or (other and trial_id(other, trial.data["checksum"]))
        )
        if found in labels:
            pairs.append(
                AliasPair(
                    trial.label,
                    labels[found],
                    trial.role == "twin",
                    trial.params["eps"],
                    trial.role == "merged",
                )
            )
    return tuple(pairs)


def merging(
    left: Sequence[PlannedTrial], pairs: Sequence[AliasPair], estimates: Mapping[str, Estimate]
) -> Merging | None:
    """What merging saves of the trials `left` to train; None where there is no alias."""
    merged = {pair.trial for pair in pairs if pair.merged}
    saved = merged or {pair.trial for pair in pairs if not pair.twin}
    seconds = [estimates[trial.id].seconds for trial in left if trial.label in saved]
    return Merging(len(seconds), round(sum(seconds), 1), not merged) if seconds else None
