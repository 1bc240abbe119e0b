"""Warnings of a plan about trials that can be trained, but are perhaps a mistake."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from sweeper.sweep import PlannedTrial
from trainers.datasets import Dataset, load
from trainers.trial import Trial

__all__ = ["notes"]


def notes(trials: Sequence[PlannedTrial]) -> tuple[str, ...]:
    """Sentences with the grid's lines: batches larger than the training part, and decoders that
    cannot reach the data.
    """
    found: dict[tuple[Dataset, str, int], list[str]] = {}
    for planned in trials:
        trial = planned.trial
        key = (trial.data, trial.network.name, trial.training.batch_size)
        if key not in found:
            found[key] = [
                f"line {planned.line}: {said}"
                for said in (_large_batch(trial), _out_of_reach(trial))
                if said
            ]
    return tuple(dict.fromkeys(note for said in found.values() for note in said))


def _large_batch(trial: Trial) -> str:
    batch, examples = trial.training.batch_size, len(load(trial.data).train)
    if batch <= examples:
        return ""
    return (
        f"batch_size {batch:,} is more than the {examples:,} training examples of "
        f"{trial.data.name}: an epoch is one step, on all of them"
    )


def _out_of_reach(trial: Trial) -> str:
    """The readout of −∞ and ∞ are the ends of what a decoder gives."""
    low, high = trial.network.readout(torch.tensor([-math.inf, math.inf])).tolist()
    ends = trial.data.value_range or (-math.inf, math.inf)
    if low <= ends[0] and ends[1] <= high:
        return ""
    return (
        f"{trial.network.name} decodes to values from {low:g} to {high:g}, and "
        f"{trial.data.name} has the range {trial.data.value_range or 'ℝ'}: what lies "
        "outside cannot be fitted; the network linear reaches it"
    )
