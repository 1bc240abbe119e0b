"""Train one pack of trials: resume, commit, report, and let no trial harm another."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Literal

import torch
from torch import Tensor

from sweeper.storage import ledger
from sweeper.storage.extendable import enter
from sweeper.storage.room import shortage
from sweeper.storage.spectra import describe_dataset
from sweeper.work.evaluating import Trained, answer, load_trained
from sweeper.work.events import Event
from sweeper.work.job import Job, JobTrial
from sweeper.work.member import Member, Superseded, begin, kind_of
from sweeper.work.merging import merge
from trainers import Pack, TrainerError, gallery
from trainers.checkpoint import Progress

__all__ = ["Emit", "TrialOutOfMemoryError", "train_pack"]

Emit = Callable[[list[Event]], None]
TELL_EVERY = 0.5
SAVE_EVERY = 300.0


class TrialOutOfMemoryError(Exception):
    """A trial alone is too large for the memory that others leave it; the job may be repeated."""


def train_pack(job: Job, emit: Emit) -> None:
    """Bring every trial of the job to its last epoch, each from its newest commit on.

    A finished trial is only asked for the evaluations that it lacks, and one that is merged takes
    the parameters of its source. One that diverges or raises
    is committed as failed, with the reason (and the traceback in ``error.txt``); the others go
    on. A job that ends before that leaves them pruned. The sweep's stop sign ends it after the
    current epoch, with a commit. `emit` gets the news at most every half second, and all of it.
    Raises `TrialOutOfMemoryError` where the job says that it is tried again.
    """
    if ledger.StopSign(job.sweep).is_up():
        return
    reporter = _Reporter(emit)
    parts = [[one] for one in job.trials] if job.alone else [job.trials]
    for part in parts:
        _train_all(job, part, reporter)
    reporter.flush()


class _Reporter:
    """Gathers news and hands it on from time to time."""

    def __init__(self, emit: Emit) -> None:
        self._emit, self._last = emit, 0.0
        self._waiting: dict[str, Event] = {}

    def tell(self, event: Event) -> None:
        before = self._waiting.pop(event.trial, None)
        self._waiting[event.trial] = event if before is None else replace(
            event, records=before.records + event.records,
            committed=before.committed or event.committed, note=event.note or before.note)
        if time.monotonic() - self._last >= TELL_EVERY:
            self.flush()

    def flush(self) -> None:
        if self._waiting:
            self._emit(list(self._waiting.values()))
        self._waiting, self._last = {}, time.monotonic()


def _train_all(job: Job, trials: Sequence[JobTrial], reporter: _Reporter) -> None:
    """Train trials together that go on from the same epoch."""
    groups: dict[int, list[Member]] = defaultdict(list)
    for job_trial in trials:
        member = _begin(job, job_trial, reporter)
        if member:
            groups[member.epoch].append(member)
    for members in groups.values():
        _train(job, members, reporter)


def _begin(job: Job, job_trial: JobTrial, reporter: _Reporter) -> Member | None:
    if ledger.status(job.storage, [job_trial.id])[job_trial.id] == "finished":
        _evaluate(job, job_trial, reporter, partial(load_trained, job, job_trial))
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


def _merge(job: Job, job_trial: JobTrial, member: Member, reporter: _Reporter) -> None:
    """Finish a trial with the parameters of another one; nothing is trained."""
    assert job_trial.merged_from
    try:
        pack = merge(job, member, job_trial.merged_from)
        done = _finish(member, pack, 0, pack.weights(0), reporter)
    except Exception as error:  # noqa: BLE001 - whatever a trial raises is that trial's failure
        reason = member.fail(error, 0, 0)
        reporter.tell(Event(member.id, "failed", committed=True, reason=reason))
        return
    if done:
        _evaluate(job, job_trial, reporter, partial(_trained, pack, 0))


def _evaluate(job: Job, job_trial: JobTrial, reporter: _Reporter,
              trained: Callable[[], Trained]) -> None:
    """Tell that a trial is finished, once its model was asked what the grid asks."""
    note = None
    if job_trial.evaluate:
        reporter.tell(Event(job_trial.id, "started", committed=True))
        reporter.flush()
        note = answer(job, job_trial, trained)
    reporter.tell(Event(job_trial.id, "finished", committed=True, note=note))


def _train(job: Job, members: Sequence[Member], reporter: _Reporter) -> None:
    """Train members that go on from the same epoch as one program; if it breaks, as two halves.

    So a member that raises fails alone in the end, and a pack that is too large gets smaller.
    """
    training = _Training(job, members, reporter)
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
        left = [_job_trial(job, member) for member in half if not member.closed]
        alone = job.alone or (no_room and len(half) == 1)  # no copy beside it that has no room
        _train_all(replace(job, alone=alone), left, reporter)


def _job_trial(job: Job, member: Member) -> JobTrial:
    return next(trial for trial in job.trials if trial.id == member.id)


class _Training:
    """The epochs of one program, and what is saved and told after each of them."""

    def __init__(self, job: Job, members: Sequence[Member], reporter: _Reporter) -> None:
        self._job, self._members, self._reporter = job, members, reporter
        self._sign = ledger.StopSign(job.sweep)
        self._plan = members[0].trial.training
        self._last = min(job.until or self._plan.epochs, self._plan.epochs)
        self._epoch = self._step = self._saved = members[0].epoch
        self._saved_at = time.monotonic()
        self._warned = False
        self.packed = job.packed and not job.alone

    def run(self) -> None:
        pack = self._prepare()
        while pack.live and pack.epoch < self._last:
            if self._sign.is_up():
                return self._stop(pack)
            self._run_epoch(pack)
            if self._is_due():
                self._save(pack)
        if pack.epoch < self._plan.epochs:
            return self._prune(pack)
        for place in [place for place in list(pack.live) if self._finish(pack, place)]:
            member = self._members[place]
            _evaluate(self._job, _job_trial(self._job, member), self._reporter,
                      partial(_trained, pack, place))
        return None

    def _finish(self, pack: Pack, place: int) -> bool:
        member, state = self._members[place], pack.weights(place)
        if member.trial.training.extendable:
            state = pack.state(place)
        return _finish(member, pack, place, state, self._reporter)

    def fail(self, member: Member, error: Exception) -> None:
        """Close a member with the failure that `error` tells of."""
        epoch = min(self._epoch + 1, self._plan.epochs)
        reason = member.fail(error, epoch, self._step)
        self._reporter.tell(Event(member.id, "failed", committed=True, reason=reason))

    def _prepare(self) -> Pack:
        first = self._members[0]
        for member in self._members:
            if member.program and member.trial.training.extendable:
                enter(self._job.storage, member.program, member.id)
        describe_dataset(self._job.storage, first.trial.data, self._job.trials[0].checksum)
        pack = Pack([member.trial for member in self._members], self._job.device,
                    self.packed or None)
        for member in self._members:
            member.packed = pack.packed
        if first.epoch:
            pack.restore([dict(member.state) for member in self._members], first.epoch)
        self._step = pack.step
        return pack

    def _run_epoch(self, pack: Pack) -> None:
        records = pack.run_epoch()
        self._epoch, self._step = pack.epoch, pack.step
        for place, record in records.items():
            member = self._members[place]
            member.records.append(record)
            if place in pack.failed:
                member.commit({}, Progress(pack.epoch, pack.step, "failed",
                                           pack.failed[place], kind="diverged"))
                self._reporter.tell(Event(member.id, "failed", (record,), committed=True,
                                          reason=pack.failed[place]))
            else:
                self._reporter.tell(Event(member.id, "running", (record,)))

    def _is_due(self) -> bool:
        late = time.monotonic() - self._saved_at > SAVE_EVERY
        return self._epoch < self._last and (
            late or self._epoch % self._plan.checkpoint_every == 0)

    def _prune(self, pack: Pack) -> None:
        """Leave all members where the job ends; what could not be saved is only stopped."""
        self._save(pack, "pruned")
        for place in pack.live:
            member = self._members[place]
            reason = f"stopped early, after epoch {pack.epoch}"
            self._reporter.tell(Event(member.id, "pruned" if member.closed else "stopped",
                                      reason=reason))

    def _save(self, pack: Pack, status: Literal["running", "pruned"] = "running") -> None:
        """Save a checkpoint, if there is room; a trial goes on without one."""
        self._saved_at = time.monotonic()
        if short := shortage(self._members[0].folder):
            return self._warn(short)
        reason = f"stopped early, after epoch {pack.epoch}" if status == "pruned" else None
        for place in list(pack.live):
            member = self._members[place]
            try:
                member.commit(pack.state(place), Progress(pack.epoch, pack.step, status, reason))
            except Superseded:
                pack.drop(place)
                _leave(member, self._reporter)
            except OSError as error:
                self._warn(f"no checkpoint was saved at epoch {pack.epoch}: {error}")
            else:
                self._reporter.tell(Event(member.id, "running", committed=True))
        self._saved = pack.epoch
        return None

    def _warn(self, note: str) -> None:
        """Say it once."""
        if not self._warned:
            self._reporter.tell(Event(self._members[0].id, "running", note=note))
        self._warned = True

    def _stop(self, pack: Pack) -> None:
        if self._saved < pack.epoch:
            self._save(pack)
        for place in pack.live:
            self._reporter.tell(Event(self._members[place].id, "stopped", committed=True))


def _finish(member: Member, pack: Pack, place: int, state: Mapping[str, Tensor],
            reporter: _Reporter) -> bool:
    """Commit a trained member; False if another worker has begun the same trial."""
    note = None
    try:
        member.save_pictures(gallery(member.trial, *pack.bind(place)))
    except Exception as error:  # noqa: BLE001 - pictures are an extra: the result stands
        note = f"no gallery: {type(error).__name__}: {error}"
    try:
        member.commit(state, Progress(pack.epoch, pack.step, "finished"))
    except Superseded:
        _leave(member, reporter)
        return False
    reporter.tell(Event(member.id, "running", committed=True, note=note))
    return True


def _leave(member: Member, reporter: _Reporter) -> None:
    member.closed = True
    reporter.tell(Event(member.id, "stopped", note="another worker has begun the same trial"))


def _trained(pack: Pack, place: int) -> Trained:
    return pack.trials[place], *pack.bind(place)
