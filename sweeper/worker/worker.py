"""Train one pack of trials; the failure of one does not stop the others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import torch

from sweeper.messages import Emit, Event, Job, JobTrial
from sweeper.storage import ledger
from sweeper.storage.signs import StopSign
from sweeper.worker.evaluating import load_trained
from sweeper.worker.fitness import UnfitNode
from sweeper.worker.member import TrialInTraining, begin, kind_of
from sweeper.worker.merging import merge
from sweeper.worker.packs import evenly
from sweeper.worker.probing import convolution_way, largest_pack, remember
from sweeper.worker.reporter import Reporter
from sweeper.worker.training import PackTraining, evaluate, finish, save_examples, trained
from sweeper.worker.worker_log import WorkerLog
from trainers import TrainerError
from trainers.allocator import keep_memory

__all__ = ["TrialOutOfMemoryError", "train_pack"]


class TrialOutOfMemoryError(Exception):
    """A trial does not fit in the free memory even alone; the job may be repeated with more."""


def train_pack(job: Job, emit: Emit) -> None:
    """Train every trial of the job to its last epoch, each from its newest commit.

    Of a finished trial only the missing evaluations are made; a merged trial takes the parameters
    of its source. A trial that diverges or raises is committed as failed, with the reason (and
    the traceback in ``error.txt``), and the others go on. With `Job.until` the trials end at that
    epoch, as pruned. The sweep's stop sign ends the job after the current epoch, with a commit.
    With `Job.probe` the trials are divided into packs of the size that a probe of the GPU finds.
    `emit` gets all events, at most every half second. Raises `TrialOutOfMemoryError` where a
    trial does not fit in memory and the job will be repeated, and `UnfitNode` where the node is
    about to end (`Job.leaving`); what was trained is committed, and the job may be repeated.
    """
    if StopSign(job.sweep).is_up():
        return
    keep_memory()
    log = WorkerLog(job)
    reporter = Reporter(log.hearing(emit), job.trials[0].id)
    parts = [[one] for one in job.trials] if job.alone else [job.trials]
    with log.printing():
        for part in parts:
            _train_all(job, part, reporter)
        reporter.flush()


def _train_all(job: Job, trials: Sequence[JobTrial], reporter: Reporter) -> None:
    """Train the trials, those that start from the same epoch together.

    One that was begun as a member of a pack, or by itself, goes on so.
    """
    groups: dict[tuple[int, bool | None], list[TrialInTraining]] = defaultdict(list)
    for job_trial in trials:
        member = _begin(job, job_trial, reporter)
        if member:
            groups[member.epoch, member.packed_before].append(member)
    for (_, packed), members in groups.items():
        own = job
        if packed is not None:
            own = replace(job, packed=packed, alone=job.alone or not packed)
        most = 1 if own.alone else largest_pack(own, members)
        for part in evenly(members, -(-len(members) // most)):
            _train(own, part, reporter)


def _begin(job: Job, job_trial: JobTrial, reporter: Reporter) -> TrialInTraining | None:
    if ledger.status(job.storage, [job_trial.id])[job_trial.id] == "finished":
        evaluate(job, job_trial, reporter, partial(load_trained, job, job_trial))
        return None
    try:
        member = begin(job, job_trial)
    except (TrainerError, OSError, TypeError) as error:
        reporter.tell(Event(job_trial.id, "failed", reason=str(error)))
        return None
    last = (member.records.last,) if member.records.last else ()
    reporter.tell(Event(member.id, "started", last, note=member.note))
    if job_trial.merged_from:
        _merge(job, job_trial, member, reporter)
        return None
    return member


def _merge(job: Job, job_trial: JobTrial, member: TrialInTraining, reporter: Reporter) -> None:
    """Finish a trial with the parameters of another one; nothing is trained."""
    assert job_trial.merged_from
    try:
        pack = merge(job, member, job_trial.merged_from)
        if trouble := save_examples(pack, [member]):
            reporter.tell(Event(member.id, "running", note=trouble))
        done = finish(member, pack, 0, pack.weights(0), reporter)
    except Exception as error:  # noqa: BLE001 - whatever a trial raises is that trial's failure
        reason = member.fail(error, 0, 0)
        reporter.tell(Event(member.id, "failed", committed=True, reason=reason))
        return
    if done:
        evaluate(job, job_trial, reporter, partial(trained, pack, 0))


def _train(job: Job, members: Sequence[TrialInTraining], reporter: Reporter) -> None:
    """Train members that are at the same epoch as one pack; if it raises, as two halves.

    By halving, a member that raises fails alone, and a pack too large for the memory shrinks; the
    later packs of this process are not larger than the halves. What can only be computed by itself
    (`vmap` refuses some operators of a user's network) is.
    """
    training = PackTraining(job, members, reporter, convolution_way(job, members))
    try:
        training.run()
        return
    except UnfitNode:
        raise
    except Exception as error:  # whatever a trial raises is that trial's failure
        no_room, last = kind_of(error) == "memory", len(members) == 1
        by_itself = last and training.packed and (no_room or not training.moved)
        if last and not by_itself:
            if no_room and job.again:
                raise TrialOutOfMemoryError(members[0].id) from error
            training.fail(members[0], error)
            return
    del training  # with the memory that the halves need
    if job.device != "cpu":
        torch.cuda.empty_cache()
    middle = (len(members) + 1) // 2
    if no_room:
        remember(job, members[0], middle)
    for half in (members[:middle], members[middle:]):
        left = [job.trial(member.id) for member in half if not member.closed]
        alone = job.alone or by_itself or (no_room and len(half) == 1)  # no copy without room
        _train_all(replace(job, alone=alone), left, reporter)
