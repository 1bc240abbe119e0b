"""Train packs of stored trials: go on from their checkpoints, commit, and record failures."""

from __future__ import annotations

import os
import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

from trainers.checkpoint import Attempt, Commit, Progress, commits, open_attempt
from trainers.commit_format import EncodedRecords
from trainers.errors import Incompatible, InvalidValue, ResumeError, TrainerError, printable
from trainers.gallery import gallery
from trainers.memory import out_of_memory
from trainers.pack import Pack
from trainers.provenance import provenance
from trainers.stored import StoredTrial, save_arrays

__all__ = ["Say", "train_stored"]

Say = Callable[[StoredTrial, str], None]
Status = Literal["running", "finished", "failed"]


@dataclass
class Member:
    """A stored trial in training: its attempt, its records, and the commit that it goes on from.

    before_s : seconds of training before this attempt.
    """

    stored: StoredTrial
    attempt: Attempt
    parent: Commit | None = None
    state: Mapping[str, Tensor] = field(default_factory=dict)
    records: EncodedRecords = field(default_factory=EncodedRecords)
    before_s: float = 0.0
    started: float = field(default_factory=time.monotonic)
    closed: bool = False

    @property
    def epoch(self) -> int:
        """The epoch of the commit that it goes on from; 0 for a new trial."""
        return self.parent.progress.epoch if self.parent else 0

    def commit(
        self, state: Mapping[str, Tensor], progress: Progress, about: Mapping[str, Any]
    ) -> None:
        """Save state and records; the trial is closed by any status but ``running``."""
        self.attempt.commit(state, self.records.content(), progress, self.parent, about)
        self.closed = progress.status != "running"

    @property
    def packed_before(self) -> bool | None:
        """Whether the commit that it goes on from was computed in a pack, on a CPU."""
        if self.parent is None or self.parent.manifest.get("device") != "cpu":
            return None
        return bool(self.parent.manifest.get("packed"))

    @property
    def moved(self) -> bool:
        """Whether an epoch was trained in this attempt."""
        return self.records.last is not None and self.records.last.epoch > self.epoch

    @property
    def wall_s(self) -> float:
        """Seconds of training, over all attempts."""
        return self.before_s + time.monotonic() - self.started


def train_stored(
    trials: Sequence[StoredTrial], device: str, say: Say, packed: bool = False, alone: bool = False
) -> None:
    """Train trials of one program to their last epoch, those that are at the same epoch together.

    `say` gets a sentence on each trial that ends. A pack that raises is trained again as two
    halves, from the newest checkpoints: so one that cannot be trained fails alone, and a pack
    that is too large for the memory shrinks.

    packed : whether a trial that is left alone is computed as a pack is, if there is room for that
        and `vmap` can do it: so it gets the same bits, whoever is finished already. One that was
        begun goes on as then. alone : each is computed by itself, whatever else holds.
    """
    groups: dict[tuple[int, bool | None], list[Member]] = defaultdict(list)
    for one in trials:
        try:
            one.require_data()
            member = begin(one, device)
        except (TrainerError, OSError) as error:
            say(one, f"failed: {error}")
        else:
            groups[member.epoch, member.packed_before].append(member)
    for members, together in _parts(groups, packed, alone):
        try:
            StoredPack(members, device, say, together).run()
            continue
        except Exception as error:
            left = [member for member in members if not member.closed]
            if not left:
                raise
            no_room, last = out_of_memory(error), len(members) == 1
            by_itself = last and together and (no_room or not left[0].moved)
            if last and not by_itself:
                fail(left[0], device, error, say)
                continue
        # here the error is gone, and with it the pack, whose memory the halves need
        middle = (len(members) + 1) // 2
        for half in (members[:middle], members[middle:]):
            own = [one.stored for one in half if not one.closed]
            train_stored(own, device, say, packed, by_itself or (no_room and len(half) == 1))


def _parts(
    groups: Mapping[tuple[int, bool | None], list[Member]], packed: bool, alone: bool
) -> Iterator[tuple[list[Member], bool]]:
    """Members to train together, and whether one of them alone is computed as a pack is."""
    for (_, before), members in groups.items():
        if alone or before is False:
            yield from (([member], False) for member in members)
        else:
            yield members, packed or bool(before)


def begin(stored: StoredTrial, device: str) -> Member:
    """An attempt at a trial, from its newest readable checkpoint; damaged ones are passed over.

    Raises `ResumeError` where that was made on the other kind of device.
    """
    member = Member(stored, open_attempt(stored.folder))
    for commit in commits(stored.folder):
        if commit.progress.status not in ("running", "pruned"):
            continue
        named = str(commit.manifest.get("device", device))
        if (named == "cpu") != (device == "cpu"):
            raise ResumeError(
                f"its checkpoint of epoch {commit.progress.epoch} was made on {named}, and "
                f"{device} gives other last digits: go on with the device of then"
            )
        try:
            member.state, member.records = commit.load(), EncodedRecords(commit.records())
        except (ResumeError, OSError):
            continue
        member.parent, member.before_s = commit, commit.progress.wall_s
        break
    return member


class StoredPack:
    """Trains members that are at the same epoch as one pack, and commits them."""

    def __init__(
        self, members: Sequence[Member], device: str, say: Say, packed: bool = False
    ) -> None:
        self._members, self._say = members, say
        self._pack = Pack([member.stored.trial for member in members], device, packed or None)
        self._about = about(device) | ({"packed": True} if self._pack.packed else {})
        if members[0].epoch:
            self._pack.restore([dict(member.state) for member in members], members[0].epoch)

    def run(self) -> None:
        plan, pack = self._members[0].stored.trial.training, self._pack
        while pack.live and pack.epoch < plan.epochs:
            self._run_epoch()
            if pack.epoch < plan.epochs and pack.epoch % plan.checkpoint_every == 0:
                for place, state in pack.states():
                    self._commit(place, state, "running")
        if pack.live:
            self._save_pictures()
        for place in pack.live:
            self._finish(place)

    def _run_epoch(self) -> None:
        pack = self._pack
        for place, record in pack.run_epoch().items():
            member = self._members[place]
            member.records.append(record)
            if reason := pack.failed.get(place):
                self._commit(place, {}, "failed", reason)
                self._say(member.stored, f"failed: {reason}")

    def _save_pictures(self) -> None:
        """Keep pictures, and KL and recon of each test example; without them a result stands."""
        pack = self._pack
        try:
            for place, values in pack.examples().items():
                folder = self._members[place].stored.folder / "evaluations"
                arrays = {name: value.numpy() for name, value in values.items()}
                save_arrays(folder / "examples.npz", arrays)
            for place in pack.live:
                folder = self._members[place].stored.folder / "evaluations"
                pictures = gallery(pack.trials[place], *pack.bind(place))
                save_arrays(folder / "gallery.npz", pictures)
        except Exception as error:  # noqa: BLE001 - an extra: the result stands
            self._say(self._members[0].stored, f"no pictures: {type(error).__name__}: {error}")

    def _finish(self, place: int) -> None:
        member, pack = self._members[place], self._pack
        extendable = member.stored.trial.training.extendable
        state = pack.state(place) if extendable else pack.weights(place)
        self._commit(place, state, "finished")
        self._say(member.stored, f"finished after {pack.epoch} epochs and {member.wall_s:.1f} s")

    def _commit(
        self, place: int, state: Mapping[str, Tensor], status: Status, reason: str | None = None
    ) -> None:
        member, pack = self._members[place], self._pack
        kind = "diverged" if reason else None
        progress = Progress(pack.epoch, pack.step, status, reason, member.wall_s, kind)
        member.commit(state, progress, self._about)


def fail(member: Member, device: str, error: Exception, say: Say) -> None:
    """Commit the failure of a trial in its next epoch, with the traceback in ``error.txt``.

    A checkpoint of its last epoch stays, from which it can go on.
    """
    told = str(error) if isinstance(error, TrainerError) else f"{type(error).__name__}: {error}"
    reason = printable(told)
    kind = "refused" if isinstance(error, InvalidValue | Incompatible) else None
    last = member.records.last
    done, step = (last.epoch, last.step) if last else (0, 0)
    epoch = min(done + 1, member.stored.trial.training.epochs)
    (member.stored.folder / "error.txt").write_text(
        printable("".join(traceback.format_exception(error))), encoding="utf-8"
    )
    progress = Progress(epoch, step, "failed", reason, member.wall_s, kind)
    member.commit({}, progress, about(device))
    say(member.stored, f"failed: {reason}")


def about(device: str) -> dict[str, Any]:
    """Program, versions, host and device, for the manifest of a commit."""
    named = torch.cuda.get_device_name(device) if device != "cpu" else "cpu"
    return {**provenance(), "device": named, "pid": os.getpid()}
