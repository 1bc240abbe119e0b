"""What a plan should say of trials that can be trained, and are perhaps not what was meant."""

from __future__ import annotations

from collections.abc import Sequence

from sweeper.spec.identity import canonical
from sweeper.sweep import PlannedTrial
from trainers.datasets import DATASETS, load

__all__ = ["notes"]


def notes(trials: Sequence[PlannedTrial]) -> tuple[str, ...]:
    """One sentence, with the grid's line, for each batch that is larger than the training part."""
    found: dict[tuple[str, int], str] = {}
    for trial in trials:
        data, batch = trial.config["data"], int(trial.config["training"]["batch_size"])
        key = canonical(data), batch
        if key not in found:
            found[key] = _large_batch(trial, len(load(DATASETS.build(data)).train), batch)
    return tuple(note for note in found.values() if note)


def _large_batch(trial: PlannedTrial, examples: int, batch: int) -> str:
    if batch <= examples:
        return ""
    return (f"line {trial.line}: batch_size {batch:,} is more than the {examples:,} training "
            f"examples of {trial.config['data']['name']}: an epoch is one step, on all of them")
