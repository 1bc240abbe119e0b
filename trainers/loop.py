"""Train one trial from the first epoch to the last: what a notebook calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trainers.errors import InvalidValue
from trainers.model import Model
from trainers.objectives import Objective
from trainers.pack import Pack
from trainers.record import Record
from trainers.trial import Trial

__all__ = ["Trained", "train"]


@dataclass(frozen=True)
class Trained:
    """A trained model, its objective, and one record an epoch."""

    objective: Objective
    model: Model
    records: list[Record]


def train(
    trial: Trial, *, device: str = "cpu", on_epoch: Callable[[Record], None] | None = None
) -> Trained:
    """Train a trial and return its model and history; `on_epoch` sees each record as it comes.

    Raises `InvalidValue` when the training diverges, with the epoch and the metric.
    """
    pack = Pack([trial], device)
    records = []
    while pack.epoch < trial.training.epochs:
        records.append(pack.run_epoch()[0])
        if pack.failed:
            raise InvalidValue(
                f"the training diverged: {pack.failed[0]}; try a smaller lr "
                f"(now {trial.training.lr:g})"
            )
        if on_epoch:
            on_epoch(records[-1])
    return Trained(*pack.bind(0), records)
