"""Train one pack epoch by epoch: save checkpoints, send events, finish its trials."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, NoReturn

from torch import Tensor

from sweeper.messages import Event, Job, JobTrial, Spent
from sweeper.storage.disk_space import shortage
from sweeper.storage.extendable import enter
from sweeper.storage.signs import Sign, StopSign
from sweeper.worker.evaluating import Trained, answer
from sweeper.worker.fitness import ENDING, UnfitNode
from sweeper.worker.member import Superseded, TrialInTraining
from sweeper.worker.reporter import Reporter
from sweeper.worker.saving import Saves, saves_beside
from sweeper.worker.stopwatch import Stopwatch, clock_of
from trainers import Pack, Record
from trainers.checkpoint import Progress
from trainers.convolution import Way
from trainers.gallery import gallery

__all__ = ["PackTraining", "evaluate", "finish", "save_examples", "trained"]

SAVE_EVERY = 300.0
SAVING = 0.1


class PackTraining:
    """Trains members that are at the same epoch, saves checkpoints and sends events.

    packed : whether a single member is computed as a pack (by `vmap`) too.
    way : how the convolutions of a pack are computed.
    """

    def __init__(
        self,
        job: Job,
        members: Sequence[TrialInTraining],
        reporter: Reporter,
        way: Way = "grouped",
    ) -> None:
        self._job, self._members, self._reporter, self._way = job, members, reporter, way
        self._sign = StopSign(job.sweep)
        self._leaving = Sign(Path(job.leaving)) if job.leaving else None
        self._plan = members[0].trial.training
        self._last = min(job.until or self._plan.epochs, self._plan.epochs)
        self._epoch = self._step = self._saved = members[0].epoch
        self._saved_at, self._saving_s = time.monotonic(), 0.0
        self._warned, self._saves = False, Saves(saves_beside(job.device))
        self._watch = Stopwatch(len(members), clock_of(job.device))
        self.packed = job.packed and not job.alone

    @property
    def moved(self) -> bool:
        """Whether an epoch was trained."""
        return self._epoch > self._members[0].epoch

    def run(self) -> None:
        with self._saves:
            self._run()

    def _run(self) -> None:
        pack = self._prepare()
        self._watch.end_preparation()
        while pack.live and pack.epoch < self._last:
            if self._sign.is_up():
                return self._stop(pack)
            if self._leaving and self._leaving.is_up():
                self._leave_node(pack)
            self._run_epoch(pack)
            if not self._saves.busy:
                self._end_saves(pack)
                if self._is_due():
                    self._save(pack)
            self._watch.end_epoch()
        self._end_saves(pack)
        if pack.epoch < self._plan.epochs:
            return self._prune(pack)
        if pack.live and (trouble := save_examples(pack, self._members)):
            self._warn(trouble)
        self._watch.end_training()
        for place in [place for place in list(pack.live) if self._finish(pack, place)]:
            member = self._members[place]
            evaluate(
                self._job,
                self._job.trial(member.id),
                self._reporter,
                partial(trained, pack, place),
                self._watch.end_trial,
            )
        return None

    def _finish(self, pack: Pack, place: int) -> bool:
        member, state = self._members[place], pack.weights(place)
        if member.trial.training.extendable:
            state = pack.state(place)
        return finish(member, pack, place, state, self._reporter)

    def fail(self, member: TrialInTraining, error: Exception) -> None:
        """Commit and report a member's failure."""
        epoch = min(self._epoch + 1, self._plan.epochs)
        reason = member.fail(error, epoch, self._step)
        self._reporter.tell(Event(member.id, "failed", committed=True, reason=reason))

    def _prepare(self) -> Pack:
        first = self._members[0]
        for member in self._members:
            if member.lineage and member.trial.training.extendable:
                enter(self._job.storage, member.lineage, member.id)
        pack = Pack(
            [member.trial for member in self._members],
            self._job.device,
            self.packed or None,
            self._way,
        )
        for member in self._members:
            member.packed = pack.packed
        if first.epoch:
            pack.restore([dict(member.state) for member in self._members], first.epoch)
        self._step = pack.step
        return pack

    def _run_epoch(self, pack: Pack) -> None:
        records = pack.run_epoch()
        self._epoch, self._step = pack.epoch, pack.step
        if any(place in pack.failed for place in records):
            self._end_saves(pack)
        for place, record in records.items():
            member = self._members[place]
            member.records.append(record)
            if place in pack.live:
                self._reporter.tell(Event(member.id, "running", (record,)))
            elif not member.closed:
                self._end_diverged(member, pack, pack.failed[place], record)

    def _end_diverged(
        self, member: TrialInTraining, pack: Pack, reason: str, record: Record
    ) -> None:
        """Commit and report that a member has no finite metrics any more."""
        try:
            member.commit({}, Progress(pack.epoch, pack.step, "failed", reason, kind="diverged"))
        except Superseded:
            return _leave(member, self._reporter)
        return self._reporter.tell(
            Event(member.id, "failed", (record,), committed=True, reason=reason)
        )

    def _is_due(self) -> bool:
        idle_s = time.monotonic() - self._saved_at
        saving_s = 0.0 if self._job.device == "cpu" else self._saving_s
        asked = self._epoch % self._plan.checkpoint_every == 0
        return self._epoch < self._last and is_due(asked, idle_s, saving_s)

    def _prune(self, pack: Pack) -> None:
        """Commit all members as pruned at the job's last epoch; those not saved are stopped."""
        self._save(pack, "pruned")
        for place in pack.live:
            member = self._members[place]
            reason = f"stopped early, after epoch {pack.epoch}"
            self._reporter.tell(
                Event(member.id, "pruned" if member.closed else "stopped", reason=reason)
            )

    def _save(self, pack: Pack, status: Literal["running", "pruned"] = "running") -> None:
        """Save a checkpoint of each member; if the disk is full, training continues without it."""
        self._end_saves(pack)
        started = self._saved_at = time.monotonic()
        if short := shortage(self._members[0].folder):
            return self._warn(short)
        reason = f"stopped early, after epoch {pack.epoch}" if status == "pruned" else None
        progress = Progress(pack.epoch, pack.step, status, reason)
        for place, state in pack.states():
            member = self._members[place]
            write = partial(member.commit, state, progress, member.records.content())
            self._saves.begin(place, write)
        self._saved = pack.epoch
        if status == "pruned" or not self._saves.busy:
            self._end_saves(pack)
        self._saved_at = time.monotonic()
        self._saving_s = self._saved_at - started
        return None

    def _end_saves(self, pack: Pack) -> None:
        """Wait for checkpoints that are being written, and say what came of them."""
        for place, error in self._saves.end():
            member = self._members[place]
            if error is None:
                self._reporter.tell(Event(member.id, "running", committed=True))
            elif isinstance(error, Superseded):
                pack.drop(place)
                _leave(member, self._reporter)
            elif isinstance(error, OSError):
                self._warn(f"no checkpoint was saved at epoch {self._saved}: {error}")
            else:
                raise error

    def _warn(self, note: str) -> None:
        """Report a note to the user, the first time only."""
        if not self._warned:
            self._reporter.tell(Event(self._members[0].id, "running", note=note))
        self._warned = True

    def _leave_node(self, pack: Pack) -> NoReturn:
        """Save a checkpoint, with which the job goes on elsewhere; raises `UnfitNode`."""
        if self._saved < pack.epoch:
            self._save(pack)
        self._end_saves(pack)
        self._reporter.flush()
        raise UnfitNode(ENDING)

    def _stop(self, pack: Pack) -> None:
        if self._saved < pack.epoch:
            self._save(pack)
        self._end_saves(pack)
        for place in pack.live:
            self._reporter.tell(Event(self._members[place].id, "stopped", committed=True))


def is_due(asked: bool, idle_s: float, saving_s: float) -> bool:
    """Whether to save: where the grid has `asked` for it, and after five minutes without.

    But never for more than a tenth of the time: on a GPU a pack of large networks trains an epoch
    in less time than it takes to save it. Saving took `saving_s` the last time, `idle_s` ago.
    """
    return (asked or idle_s > SAVE_EVERY) and saving_s <= SAVING * idle_s


def save_examples(pack: Pack, members: Sequence[TrialInTraining]) -> str:
    """Keep KL and recon of each test example of the live members; returns why that failed."""
    try:
        for place, values in pack.examples().items():
            members[place].save_examples(values)
    except Exception as error:  # noqa: BLE001 - an extra: the result stands
        return f"no values of single test examples: {type(error).__name__}: {error}"
    return ""


def evaluate(
    job: Job,
    job_trial: JobTrial,
    reporter: Reporter,
    trained: Callable[[], Trained],
    spent: Callable[[], Spent | None] = lambda: None,
) -> None:
    """Run the evaluations of a trained model, then report the trial finished, and what it took."""
    note = None
    if job_trial.evaluate:
        reporter.tell(Event(job_trial.id, "started", committed=True))
        reporter.flush()
        note = answer(job, job_trial, trained)
    reporter.tell(Event(job_trial.id, "finished", committed=True, note=note, spent=spent()))


def finish(
    member: TrialInTraining,
    pack: Pack,
    place: int,
    state: Mapping[str, Tensor],
    reporter: Reporter,
) -> bool:
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


def _leave(member: TrialInTraining, reporter: Reporter) -> None:
    member.closed = True
    reporter.tell(Event(member.id, "stopped", note="another worker has begun the same trial"))


def trained(pack: Pack, place: int) -> Trained:
    """Trial, objective and model of a member, as evaluations take them."""
    return pack.trials[place], *pack.bind(place)
