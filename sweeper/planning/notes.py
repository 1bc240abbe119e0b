"""Warnings of a plan about trials that can be trained, but are perhaps a mistake."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from analysis.training import LEAST_STEPS
from analysis.wording import plural
from sweeper.sweep import PlannedTrial, Sweep
from trainers.datasets import Dataset, load
from trainers.registry import name_of
from trainers.trial import Trial

__all__ = ["notes", "too_short"]

LEAST_LEVELS = 3  # values of x that a law needs


def notes(trials: Sequence[PlannedTrial], lines: bool = True) -> tuple[str, ...]:
    """Sentences on batches larger than the training part, and decoders that cannot reach the data.

    lines : whether the grid is a file, whose line each sentence then names; else it is a label.
    """
    found: dict[tuple[Dataset, str, int], list[str]] = {}
    for planned in trials:
        trial = planned.trial
        key = (trial.data, name_of(trial.network), trial.training.batch_size)
        if key not in found:
            found[key] = [
                f"{_where(planned, lines)}: {said}"
                for said in (_large_batch(trial), _out_of_reach(trial))
                if said
            ]
    return tuple(dict.fromkeys(note for said in found.values() for note in said))


def too_short(sweep: Sweep) -> tuple[str, ...]:
    """A sentence for each length of training after which the report calls trials not trained,
    whatever their metrics do, with the place in the grid; nothing if it can give no law.
    """
    x = sweep.analysis["law"]["x"] if sweep.analysis else "sigma"
    levels = {trial.params[x] for trial in sweep.trials if x in trial.params}
    found: dict[tuple[int, int], str] = {}
    for planned in sweep.trials if len(levels) >= LEAST_LEVELS else ():
        training = planned.trial.training
        found.setdefault(
            (training.epochs, training.test_every), _where(planned, bool(sweep.grid_file))
        )
    return tuple(
        f"{where}: {plural(epochs, 'epoch')} with test_every {every} "
        f"{'is' if measured == 1 else 'are'} {plural(measured, 'measurement')} a trial; with "
        f"fewer than {LEAST_STEPS} the report calls a trial not trained, and claims nothing of it"
        for (epochs, every), where in found.items()
        if (measured := math.ceil(epochs / every)) < LEAST_STEPS
    )


def _where(planned: PlannedTrial, lines: bool) -> str:
    return f"line {planned.line}" if lines else planned.label


def _large_batch(trial: Trial) -> str:
    batch, examples = trial.training.batch_size, len(load(trial.data).train)
    if batch <= examples:
        return ""
    return (
        f"batch_size {batch:,} is more than the {examples:,} training examples of "
        f"{name_of(trial.data)}: an epoch is one step, on all of them"
    )


def _out_of_reach(trial: Trial) -> str:
    """The readout of −∞ and ∞ are the ends of what a decoder gives."""
    low, high = trial.network.readout(torch.tensor([-math.inf, math.inf])).tolist()
    ends = trial.data.value_range or (-math.inf, math.inf)
    if low <= ends[0] and ends[1] <= high:
        return ""
    return (
        f"{name_of(trial.network)} decodes to values from {low:g} to {high:g}, and "
        f"{name_of(trial.data)} has the range {trial.data.value_range or 'ℝ'}: what lies "
        "outside cannot be fitted; the network linear reaches it"
    )
