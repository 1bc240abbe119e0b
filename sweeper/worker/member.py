"""One trial in a worker: begin or resume it, commit its state, record how it ends."""

from __future__ import annotations

import functools
import os
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sweeper.messages import Job, JobTrial
from sweeper.storage import ledger, paths
from sweeper.storage.attempts import (
    begin_attempt,
    bring_trial,
    load_state,
    newest_attempt,
    publish,
)
from sweeper.storage.extendable import shorter
from trainers import TrainerError, Trial
from trainers.checkpoint import Attempt, Commit, Progress, commits
from trainers.commit_format import EncodedRecords
from trainers.errors import Incompatible, InvalidValue, ResumeError, printable
from trainers.memory import out_of_memory
from trainers.provenance import provenance
from trainers.stored import compressed

__all__ = ["LESS_MEMORY", "Superseded", "TrialInTraining", "begin", "kind_of", "require_device"]

LESS_MEMORY = (
    "a smaller batch_size or network needs less, and so do fewer trials at once "
    "(resources: {cpus: 2})"
)


class Superseded(Exception):
    """Another worker has begun a newer attempt at the trial, so this one's commits are ignored."""


@dataclass
class TrialInTraining:
    """A trial in training: its attempt, its records, and the commit (`parent`) that it resumes.

    Parameters
    ----------
    extends : id of the trial with fewer epochs that `parent` belongs to, if it is not its own.
    packed : whether it is computed as a member of a pack.
    allow_mixed : whether the grid allows nodes that differ.
    note : a sentence for the user about how it began.
    before_s : seconds of training before this attempt.
    """

    id: str
    trial: Trial
    attempt: Attempt
    device: str
    lineage: str = ""
    extends: str | None = None
    packed: bool = False
    allow_mixed: bool = False
    note: str | None = None
    parent: Commit | None = None
    state: Mapping[str, Tensor] = field(default_factory=dict)
    records: EncodedRecords = field(default_factory=EncodedRecords)
    before_s: float = 0.0
    started: float = field(default_factory=time.monotonic)
    closed: bool = False

    @property
    def epoch(self) -> int:
        """The epoch of the resumed commit; 0 for a new trial."""
        return self.parent.progress.epoch if self.parent else 0

    @property
    def packed_before(self) -> bool | None:
        """Whether the resumed commit was computed as a member of a pack, by which its bits go on.

        None for a new trial, and on a GPU, which promises no bits.
        """
        if self.parent is None or self.device != "cpu":
            return None
        return bool(self.parent.manifest.get("packed"))

    @property
    def folder(self) -> Path:
        """The trial's folder."""
        return self.attempt.folder.parent

    def commit(
        self, state: Mapping[str, Tensor], progress: Progress, records: bytes | None = None
    ) -> None:
        """Save the state and the records (None: all); `Superseded` if a younger attempt has begun.

        Their `content` is given where records of later epochs may come while this is written.
        """
        if newest_attempt(self.folder) > self.attempt.number:
            raise Superseded(self.id)
        wall_s = self.before_s + time.monotonic() - self.started
        marks = {"extends": self.extends, "packed": self.packed, "allow_mixed": self.allow_mixed}
        set_marks = {name: value for name, value in marks.items() if value}
        own = self.parent and self.parent.folder.is_relative_to(self.folder)
        saved = self.attempt.commit(
            state,
            self.records.content() if records is None else records,
            replace(progress, wall_s=wall_s),
            self.parent if own else None,
            {**_about(self.device), **set_marks},
        )
        publish(saved)
        self.closed = progress.status != "running"

    def fail(self, error: BaseException, epoch: int, step: int) -> str:
        """Commit the failure, its traceback in ``error.txt``; returns the reason."""
        self.closed, reason = True, printable(_reason(error))
        try:
            text = printable("".join(traceback.format_exception(error)))
            ledger.write_file(paths.error_file(self.folder), text.encode())
            self.commit({}, Progress(epoch, step, "failed", reason, kind=kind_of(error)))
        except (OSError, Superseded) as other:
            return f"{reason} (and the failure could not be saved: {_reason(other)})"
        return reason

    def save_pictures(self, pictures: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """Write ``evaluations/gallery.npz``, unless there are no pictures."""
        _write_arrays(paths.gallery_file(self.folder), pictures)

    def save_examples(self, values: Mapping[str, Tensor]) -> None:
        """Write ``evaluations/examples.npz``, unless the model has no such values."""
        arrays = {name: value.numpy() for name, value in values.items()}
        _write_arrays(paths.examples_file(self.folder), arrays)


def _write_arrays(path: Path, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
    if arrays:
        ledger.write_file(path, compressed(arrays))


def begin(job: Job, job_trial: JobTrial) -> TrialInTraining:
    """Start an attempt at a trial from its newest readable commit; damaged commits are skipped.

    Raises `ResumeError` where that commit was made on another kind of device: resumed, it would
    give the result of neither.
    """
    folder = paths.trial_folder(job.storage, job_trial.id)
    bring_trial(job.storage, job_trial.id, job_trial.lineage, job_trial.merged_from or "")
    member = TrialInTraining(
        job_trial.id,
        job_trial.trial,
        begin_attempt(folder),
        job.device,
        job_trial.lineage,
        allow_mixed=job.allow_mixed,
    )
    for commit in commits(folder):
        if commit.progress.status not in ("running", "pruned"):
            continue
        require_device(commit, job.device)
        try:
            member.state, member.records = load_state(commit), EncodedRecords(commit.records())
        except (ResumeError, OSError):
            continue
        member.parent, member.before_s = commit, commit.progress.wall_s
        member.extends = commit.manifest.get("extends")
        return member
    if not job_trial.merged_from:
        _extend(member, job)
    return member


def _extend(member: TrialInTraining, job: Job) -> None:
    """Resume the commit of a trial with fewer epochs, if that gives the undisturbed result."""
    found = shorter(job.storage, member.lineage, member.trial.training, member.id)
    if found is None:
        return
    refused = found.refused
    try:
        require_device(found.commit, job.device)
        state = load_state(found.commit)
        if not any(name.startswith("first/") for name in state):
            refused = refused or "it kept no state of the optimizer"
    except (ResumeError, OSError) as error:
        refused, state = refused or str(error), {}
    if refused:
        member.note = (
            f"trained from its first epoch; {found.name} with {found.epoch} epochs is "
            f"not carried on: {refused}"
        )
        return
    member.state, member.records = state, EncodedRecords(found.records)
    member.parent, member.extends = found.commit, found.trial
    member.before_s = found.commit.progress.wall_s


def require_device(commit: Commit, device: str) -> None:
    """Raise `ResumeError` if a commit was made on the other kind of device; some name none."""
    named = commit.manifest.get("device")
    if named is None or (named == "cpu") == (device == "cpu"):
        return
    here, ask = ("a GPU", "gpus: 0") if named == "cpu" else ("a CPU", "gpus: 1")
    there = "a CPU" if named == "cpu" else f"a GPU ({named})"
    raise ResumeError(
        f"its checkpoint of epoch {commit.progress.epoch} was made on {there}, and this run "
        f"trains on {here}, where the last digits are others: go on with `resources: {{{ask}}}`, "
        "or give another --storage to train it from its first epoch"
    )


def _reason(error: BaseException) -> str:
    """A failure in one line; for errors that are not our own, with file and line."""
    if isinstance(error, TrainerError):
        return str(error)
    if kind_of(error) == "memory":
        return f"out of memory ({(str(error).splitlines() or [''])[0][:120]}); {LESS_MEMORY}"
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    first = (str(error).strip().splitlines() or [""])[0]
    return f"{type(error).__name__}: {first}{where}" if first else f"{type(error).__name__}{where}"


def kind_of(error: BaseException) -> str | None:
    """The kind of a failure for `Progress.kind`: ``refused``, ``memory``, or None if unknown."""
    if isinstance(error, InvalidValue | Incompatible):
        return "refused"
    return "memory" if out_of_memory(error) else None


@functools.cache
def _about(device: str) -> Mapping[str, Any]:
    """Versions, host, device and process id for the manifest of a commit.

    Results are equal to the last bit only where versions and device are.
    """
    named = torch.cuda.get_device_name(device) if device != "cpu" else "cpu"
    return {**provenance(), "device": named, "pid": os.getpid()}
