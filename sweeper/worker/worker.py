"""Train one pack of trials: resume, commit, report, and let no trial harm another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import torch

from sweeper.messages import Emit, Event, Job, JobTrial
from sweeper.storage import ledger
from sweeper.worker.evaluating import load_trained
from sweeper.worker.member import TrialInTraining, begin, kind_of
from sweeper.worker.merging import merge
from sweeper.worker.reporter import Reporter
from sweeper.worker.training import PackTraining, evaluate, finish, trained
from trainers import TrainerError
from trainers.allocator import keep_memory

__all__ = ["TrialOutOfMemoryError", "train_pack"]


class TrialOutOfMemoryError(Exception):
    """A trial alone is too large for the memory that others leave it; the job may be repeated."""


def train_pack(job: Job, emit: Emit) -> None:
    """Bring every trial of the job to its last epoch, each from its newest commit on.

    A finished trial is only asked for the evaluations that it lacks, and one that is merged takes
    the parameters of its source. One that diverges or raises is committed as failed, with the
    reason (and the traceback in ``error.txt``); the others go on. A job that ends before that
    leaves them pruned. The sweep's stop sign ends it after the current epoch, with a commit.
    `emit` gets the news at most every half second, and all of it. Raises
    `TrialOutOfMemoryError` where the job says that it is tried again.
    """
    if ledger.StopSign(job.sweep).is_up():
        return
    keep_memory()
    reporter = Reporter(emit)
    parts = [[one] for one in job.trials] if job.alone else [job.trials]
    for part in parts:
        _train_all(job, part, reporter)
    reporter.flush()


def _train_all(job: Job, trials: Sequence[JobTrial], reporter: Reporter) -> None:
    """Train trials together that go on from the same epoch."""
    groups: dict[int, list[TrialInTraining]] = defaultdict(list)
    for job_trial in trials:
        member = _begin(job, job_trial, reporter)
        if member:
            groups[member.epoch].append(member)
    for members in groups.values():
        _train(job, members, reporter)


def _begin(job: Job, job_trial: JobTrial, reporter: Reporter) -> TrialInTraining | None:
    if ledger.status(job.storage, [job_trial.id])[job_trial.id] == "finished":
        evaluate(job, job_trial, reporter, partial(load_trained, job, job_trial))
        return None
    try:
        member = begin(job, job_trial)
    except (TrainerError, OSError, TypeError) as error:
        reporter.tell(Event(job_trial.id, "failed", reason=str(error)))
        return None
    reporter.tell(Event(member.id, "started", tuple(member.records[-1:]), note=member.note))
    if job_trial.merged_from:
        _merge(job, job_trial, member, reporter)
        return None
    return member


def _merge(job: Job, job_trial: JobTrial, member: TrialInTraining, reporter: Reporter) -> None:
    """Finish a trial with the parameters of another one; nothing is trained."""
    assert job_trial.merged_from
    try:
        pack = merge(job, member, job_trial.merged_from)
        done = finish(member, pack, 0, pack.weights(0), reporter)
    except Exception as error:  # noqa: BLE001 - whatever a trial raises is that trial's failure
        reason = member.fail(error, 0, 0)
        reporter.tell(Event(member.id, "failed", committed=True, reason=reason))
        return
    if done:
        evaluate(job, job_trial, reporter, partial(trained, pack, 0))


def _train(job: Job, members: Sequence[TrialInTraining], reporter: Reporter) -> None:
    """Train members that go on from the same epoch as one program; if it breaks, as two halves.

    So a member that raises fails alone in the end, and a pack that is too large gets smaller.
    """
    training = PackTraining(job, members, reporter)
    try:
        training.run()
        return
    except Exception as error:  # whatever a trial raises is that trial's failure
        no_room = kind_of(error) == "memory"
        if len(members) == 1 and not (no_room and training.packed):
            if no_room and job.again:
                raise TrialOutOfMemoryError(members[0].id) from error
            training.fail(members[0], error)
            return
    del training  # with the memory that the halves need
    if job.device != "cpu":
        torch.cuda.empty_cache()
    middle = (len(members) + 1) // 2
    for half in (members[:middle], members[middle:]):
        left = [job.trial(member.id) for member in half if not member.closed]
        alone = job.alone or (no_room and len(half) == 1)  # no copy beside it that has no room
        _train_all(replace(job, alone=alone), left, reporter)
