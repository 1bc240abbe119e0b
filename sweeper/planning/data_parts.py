"""How many examples and classes the data of a grid have, and which files are not read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sweeper.planning.readable import readable
from sweeper.sweep import PlannedTrial
from trainers.datasets import load
from trainers.registry import name_of

__all__ = ["DataParts", "data_parts"]


@dataclass(frozen=True)
class DataParts:
    """A data set of a plan.

    Parameters
    ----------
    name, checksum : which data set. train, validation, test : examples of each part.
    classes : number of classes in training and test part, None without labels.
    passed_over : how many files were found and not read, by reason.
    remarks : warnings about data that may not be intended. split : the seed of its split, if it
        has one.
    """

    name: str
    checksum: str
    train: int
    validation: int
    test: int
    classes: int | None
    passed_over: Mapping[str, int]
    remarks: tuple[str, ...] = ()
    split: int | None = None


def data_parts(trials: Iterable[PlannedTrial]) -> tuple[DataParts, ...]:
    """Each data set once, in the order of the trials; `UserError` where one cannot be read."""
    distinct: dict[str, PlannedTrial] = {}
    for trial in trials:
        distinct.setdefault(str(trial.data["checksum"]), trial)
    return tuple(_read(checksum, trial) for checksum, trial in distinct.items())


def _read(checksum: str, trial: PlannedTrial) -> DataParts:
    data = trial.trial.data
    with readable():
        splits = load(data)
    labels = [part.labels for part in (splits.train, splits.test)]
    known = [found for found in labels if found is not None]
    return DataParts(
        name=name_of(data),
        checksum=checksum,
        train=len(splits.train),
        validation=len(splits.validation),
        test=len(splits.test),
        classes=len({one for found in known for one in found.tolist()}) if known else None,
        passed_over=dict(splits.passed_over),
        remarks=splits.remarks,
        split=getattr(data, "split_seed", None),
    )
