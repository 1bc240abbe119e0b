"""What a probe of the GPU found best for a program, and how large a pack had room in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, get_args

import torch

from sweeper.grid.identity import canonical
from sweeper.messages import Job
from sweeper.storage import ledger
from sweeper.storage.paths import probe_file
from sweeper.storage.stored_files import read_known
from sweeper.sweep import SCHEMA
from sweeper.worker.member import TrialInTraining
from trainers.convolution import Way, ways
from trainers.probe import advised_size, fastest, measured
from trainers.program import pack_key

__all__ = ["convolution_way", "largest_pack", "remember"]


@dataclass(frozen=True)
class Found:
    """What is known of a program on one kind of device; 0 and None: nothing.

    Parameters
    ----------
    best : the members of a pack that is fastest for each. among : how many trials there were to
        choose from. room : the members that had room, after more had none. way : how convolutions
        are computed in the least time.
    """

    best: int = 0
    among: int = 0
    room: int = 0
    way: Way | None = None


_FOUND: dict[str, Found] = {}  # of this process, by program and device


def largest_pack(job: Job, members: Sequence[TrialInTraining]) -> int:
    """How many of the members may train as one pack; the first job of a program probes its GPU."""
    found, trials = _found(job, members[0]), [one.trial for one in job.trials]
    if job.probe and len(members) > 1 and (found.best == found.among < len(trials)):
        best = advised_size(trials, job.device)
        found = replace(found, best=best, among=len(trials))
        _note(job, members[0], found)
    best = found.best if job.probe else 0
    return min(size or len(members) for size in (found.room, best))


def convolution_way(job: Job, members: Sequence[TrialInTraining]) -> Way:
    """How a pack's convolutions are computed: on a GPU, where its first pack tries all ways."""
    if job.device == "cpu" or not job.packed or job.alone:
        return "grouped"
    found, trials = _found(job, members[0]), [one.trial for one in members]
    if found.way:
        return found.way
    try:
        way = fastest(partial(measured, trials, job.device, len(trials)), ways(trials[0]))
    except Exception:  # noqa: BLE001 - raised again where the trials are trained
        _FOUND[_key(job, members[0])] = replace(found, way="grouped")
        return "grouped"
    _note(job, members[0], replace(found, way=way))
    return way


def remember(job: Job, member: TrialInTraining, most: int) -> None:
    """Have all later packs of a program have no more members: on a GPU of this kind also those of
    other processes, on a CPU those of this one, as the next machine may have more memory.
    """
    _note(job, member, replace(_found(job, member), room=most))


def _found(job: Job, member: TrialInTraining) -> Found:
    """What this process has noted, and where it has nothing another one."""
    key = _key(job, member)
    own = _FOUND.get(key, Found())
    stored = None if job.device == "cpu" else _stored(job, key)
    if stored is None:
        return own
    sizes = own if own.among > stored.among else stored
    room = min((size for size in (own.room, stored.room) if size), default=0)
    return Found(sizes.best, sizes.among, room, own.way or stored.way)


def _stored(job: Job, key: str) -> Found | None:
    row = read_known(probe_file(job.storage, key), {"best": int, "among": int, "room": int})
    if row is None or row.get("way") not in (None, *get_args(Way)):
        return None
    return Found(row["best"], row["among"], row["room"], row.get("way"))


def _note(job: Job, member: TrialInTraining, found: Found) -> None:
    """Keep what was found; for others no pack of one, as it may be due to a probe that failed."""
    key = _key(job, member)
    _FOUND[key] = found
    if job.device == "cpu":
        return
    sizes = found if found.best > 1 else _stored(job, key) or Found()
    kept = replace(found, best=sizes.best, among=sizes.among)
    if kept != Found():
        with suppress(OSError):
            ledger.write_json(probe_file(job.storage, key), {"schema": SCHEMA, **asdict(kept)})


def _key(job: Job, member: TrialInTraining) -> str:
    """A hash of what decides how much time and memory a step takes: program and device."""
    program: dict[str, Any] = pack_key(member.trial)
    del program["training"]["epochs"]
    device = "cpu" if job.device == "cpu" else gpu_kind()
    return hashlib.sha256(canonical([program, device]).encode()).hexdigest()[:16]


def gpu_kind() -> str:
    """The kind of this process's GPU, and its share of it."""
    share = torch.cuda.get_per_process_memory_fraction()
    return f"{torch.cuda.get_device_name()}, {share:.2f}"
