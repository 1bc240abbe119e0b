"""Train a stored trial again, beside the storage, and compare every number with the stored one."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from sweeper.errors import UserError
from sweeper.messages import Job, JobTrial
from sweeper.status.trained import find_trial, stored_trial
from sweeper.storage import ledger
from sweeper.storage.stored_code import restored_trial
from sweeper.worker.worker import train_pack
from trainers import Record
from trainers.checkpoint import Commit
from trainers.errors import TrainerError
from trainers.provenance import provenance

__all__ = ["Difference", "Repetition", "rerun"]

MACHINE = ("git_commit", "git_dirty", "source", "python", "host", "cpu", "instructions", "device")


@dataclass(frozen=True)
class Difference:
    """A metric of one epoch with another value in the repetition; None if it is missing."""

    epoch: int
    metric: str
    stored: float | None
    again: float | None


@dataclass(frozen=True)
class Repetition:
    """A trial and its repetition.

    `compared` counts the metric values that were set side by side, `changed` maps what differs in
    versions and machine to (then, now). `weights` says whether the trained weights are the same
    bytes, None unless both runs finished.
    """

    trial: str
    label: str
    epochs: int
    compared: int
    differences: tuple[Difference, ...]
    changed: Mapping[str, tuple[Any, Any]]
    weights: bool | None = None

    @property
    def identical(self) -> bool:
        """Every metric bit for bit, and the weights where there are some."""
        return not self.differences and self.weights is not False


def rerun(storage: Path, name: str) -> Repetition:
    """Train a trial from its first epoch in a temporary folder; compare it with the stored one.

    Nothing is written to the storage. Raises `UserError` where there is no such trial, nothing
    of it to compare with, other data, or no device of the kind that it was trained on; and for a
    trial that was not trained itself.
    """
    trial_id = find_trial(storage, name)
    about = stored_trial(storage, trial_id)
    if not about:
        raise UserError(f"the trial {trial_id} cannot be read; run its grid again, which mends it")
    stored = ledger.newest_commit(storage, trial_id)
    if source := about.get("merged_from"):
        raise UserError(
            f"the trial {trial_id} was not trained: its parameters are those of its "
            f"alias {source}, and `sweeper rerun {source}` trains those again"
        )
    before = _records(trial_id, stored)
    assert stored is not None
    job_trial = _job_trial(storage, trial_id, about)
    device, packed = _device(stored), bool(stored.manifest.get("packed"))
    with tempfile.TemporaryDirectory(prefix="sweeper-rerun-") as scratch:
        train_pack(Job(scratch, scratch, (job_trial,), device, packed), lambda events: None)
        again = ledger.newest_commit(scratch, trial_id)
        after = _records(trial_id, again)
    assert again is not None
    return Repetition(
        trial_id,
        str(about["label"]),
        before[-1].epoch,
        sum(len(r.metrics) for r in before),
        tuple(_differences(before, after)),
        _changed(stored.manifest, again.manifest),
        _same_weights(stored, again),
    )


def _records(trial: str, commit: Commit | None) -> list[Record]:
    try:
        records = commit.records() if commit else []
    except (TrainerError, OSError) as error:
        raise UserError(f"the records of trial {trial} cannot be read: {error}") from error
    if not records:
        reason = f" ({commit.progress.reason})" if commit and commit.progress.reason else ""
        raise UserError(
            f"the trial {trial} has no records to compare with{reason}; run its grid, "
            "or wait for its first checkpoint"
        )
    return records


def _job_trial(storage: Path, name: str, about: Mapping[str, Any]) -> JobTrial:
    """The trial that `trial.json` describes; `UserError` where its data have changed."""
    checksum = str(about["data"]["checksum"])
    try:
        trial = restored_trial(storage, about["trial"])
        found = trial.data.checksum()
    except (TrainerError, TypeError, KeyError) as error:
        raise UserError(f"the trial {name} cannot be trained again: {error}") from error
    if found != checksum:
        raise UserError(
            f"the data of trial {name} are not those that it was trained on: "
            f"their checksum is {found}, and was {checksum}"
        )
    return JobTrial(name, trial, checksum)


def _device(stored: Commit) -> str:
    named = str(stored.manifest.get("device", "cpu"))
    if named == "cpu":
        return "cpu"
    if not torch.cuda.is_available():
        raise UserError(
            f"this trial was trained on {named}, and there is no GPU here; a CPU "
            "gives other last digits, so nothing could be concluded"
        )
    return "cuda"


def _differences(before: Sequence[Record], after: Sequence[Record]) -> Iterator[Difference]:
    """Up to the last stored epoch: a trial that was stopped has fewer than its repetition."""
    again = {record.epoch: record.metrics for record in after}
    for record in before:
        other = again.get(record.epoch, {})
        for metric in sorted({*record.metrics, *other}):
            pair = record.metrics.get(metric), other.get(metric)
            if _bits(pair[0]) != _bits(pair[1]):
                yield Difference(record.epoch, metric, *pair)


def _bits(value: float | None) -> str | None:
    """Equal for equal bits only, the sign of a zero included; any NaN is like another."""
    return None if value is None else float(value).hex()


def _changed(then: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What differs between the two machines, by name; versions one by one."""
    pairs = {name: (then.get(name), now.get(name)) for name in MACHINE}
    versions = then.get("versions") or {}, (now.get("versions") or provenance()["versions"])
    for name in sorted({*versions[0], *versions[1]}):
        pairs[name] = (versions[0].get(name), versions[1].get(name))
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _same_weights(stored: Commit, again: Commit) -> bool | None:
    """By the hashes in the manifests: finished trials keep their weights and nothing else."""
    if not stored.progress.status == again.progress.status == "finished":
        return None
    one, other = (
        commit.manifest["files"]["state.safetensors"]["sha256"] for commit in (stored, again)
    )
    return bool(one == other)
