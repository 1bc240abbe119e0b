"""Find a shorter trial from whose checkpoint a trial with more epochs can continue.

Both have the same lineage, the id without the number of epochs; ``programs/<lineage>/<trial>`` is
an empty file. A finished trial can be continued if it kept its optimizer's state, an interrupted
or pruned one from its newest checkpoint.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sweeper.storage import ledger, paths
from trainers import Record, TrainerError, checkpoint
from trainers.checkpoint import Commit
from trainers.trial import Training

__all__ = ["Shorter", "enter", "shorter"]

HELD_OUT = ("test/", "validation/")
CARRIED = ("finished", "running", "pruned")


@dataclass(frozen=True)
class Shorter:
    """A shorter trial to continue from; `records` are its records as the longer trial has them.

    `refused` says why continuing would not give the result of training the longer trial from
    the start; None if it would.
    """

    trial: str
    commit: Commit
    records: tuple[Record, ...] = ()
    refused: str | None = None

    @property
    def epoch(self) -> int:
        """How many epochs the shorter trial has been trained."""
        return self.commit.progress.epoch

    @property
    def name(self) -> str:
        """``the finished trial <id>`` or ``the interrupted trial <id>``, for messages."""
        finished = self.commit.progress.status == "finished"
        return f"the {'finished' if finished else 'interrupted'} trial {self.trial}"


def enter(storage: str | Path, lineage: str, trial: str) -> None:
    """Register a trial under its lineage, so that `shorter` finds it once it has a checkpoint."""
    ledger.write_file(paths.lineage_folder(storage, lineage) / trial, b"")


def shorter(storage: str | Path, lineage: str, training: Training, own: str) -> Shorter | None:
    """The longest trial of the lineage with fewer epochs that can be continued, except `own`.

    If none can be continued, returns the longest one with the reason; None if there is none.
    """
    found = []
    for path in paths.lineage_folder(storage, lineage).glob("[0-9a-z]*") if lineage else ():
        folder = paths.trial_folder(storage, path.name)
        commit = next(
            (one for one in checkpoint.commits(folder) if one.progress.status in CARRIED), None
        )
        if commit and path.name != own and commit.progress.epoch < training.epochs:
            found.append(_read(path.name, commit, training))
    return max(found, key=lambda one: (one.refused is None, one.epoch), default=None)


def _read(trial: str, commit: Commit, training: Training) -> Shorter:
    try:
        records = commit.records()
    except (TrainerError, OSError) as error:
        return Shorter(trial, commit, refused=str(error))
    every = training.test_every
    blind = [
        record.epoch for record in records if record.epoch % every == 0 and not _held_out(record)
    ]
    if blind:
        return Shorter(
            trial,
            commit,
            refused=(
                f"it did not look at the test data after epoch {blind[0]}, and "
                f"`test_every: {every}` "
                "asks for that"
            ),
        )
    return Shorter(trial, commit, tuple(_as_if(records, every)))


def _as_if(records: Sequence[Record], every: int) -> list[Record]:
    """The records without test metrics of epochs at which the longer trial does not test.

    The last epoch of the shorter trial is such an epoch unless `every` divides it.
    """
    return [
        record
        if record.epoch % every == 0
        else replace(
            record,
            metrics={
                name: value
                for name, value in record.metrics.items()
                if not name.startswith(HELD_OUT)
            },
        )
        for record in records
    ]


def _held_out(record: Record) -> bool:
    return any(name.startswith(HELD_OUT) for name in record.metrics)
