"""Trials that longer ones can go on from, found by what both have in common.

``programs/<lineage>/<trial>`` is an empty file: a lineage is a trial's id without its number of
epochs. A finished trial counts where it kept its optimizer's state, one that was interrupted or
pruned by its newest checkpoint.
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
    """A trial to carry on, with its `records` as those of the longer trial.

    `refused` says why it cannot be carried on to what an undisturbed longer trial gives.
    """

    trial: str
    commit: Commit
    records: tuple[Record, ...] = ()
    refused: str | None = None

    @property
    def epoch(self) -> int:
        """How many epochs are there already."""
        return self.commit.progress.epoch

    @property
    def name(self) -> str:
        """For a sentence: what is not finished was interrupted."""
        finished = self.commit.progress.status == "finished"
        return f"the {'finished' if finished else 'interrupted'} trial {self.trial}"


def enter(storage: str | Path, lineage: str, trial: str) -> None:
    """Have a trial be found by its lineage; it counts from its first checkpoint."""
    ledger.write_file(paths.lineage_folder(storage, lineage) / trial, b"")


def shorter(storage: str | Path, lineage: str, training: Training, own: str) -> Shorter | None:
    """The longest of the trials that have fewer epochs and can be carried on, but the `own` one.

    If none can, the longest one and why; None where there is none at all.
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
    """Without the looks that a longer trial does not take, such as that after the last epoch."""
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
