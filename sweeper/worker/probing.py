"""What a probe of the GPU found best for a program, and how large a pack had room in memory."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from sweeper.grid.identity import canonical
from sweeper.messages import Job
from sweeper.worker.member import TrialInTraining
from trainers.convolution import Way, ways
from trainers.probe import advised_size, fastest, measured
from trainers.program import pack_key

__all__ = ["convolution_way", "largest_pack", "remember"]

_MOST: dict[str, int] = {}  # members of a pack, by program
_WAYS: dict[str, Way] = {}  # to compute its convolutions, by program


def largest_pack(job: Job, members: Sequence[TrialInTraining]) -> int:
    """How many of the members may train as one pack; the first job of a program probes its GPU."""
    program = _program(job, members[0])
    if job.probe and len(members) > 1 and program not in _MOST:
        _MOST[program] = advised_size([one.trial for one in job.trials], job.device)
    return _MOST.get(program, len(members))


def convolution_way(job: Job, members: Sequence[TrialInTraining]) -> Way:
    """How a pack's convolutions are computed: on a GPU, where its first pack tries all ways."""
    program = _program(job, members[0])
    if job.device == "cpu" or not job.packed or job.alone:
        return "grouped"
    if program not in _WAYS:
        trials = [one.trial for one in members]
        measure = partial(measured, trials, job.device, len(trials))
        try:
            _WAYS[program] = fastest(measure, ways(trials[0]))
        except Exception:  # noqa: BLE001 - raised again where the trials are trained
            _WAYS[program] = "grouped"
    return _WAYS[program]


def remember(job: Job, member: TrialInTraining, most: int) -> None:
    """Have all later packs of a program, in this process, have no more members."""
    _MOST[_program(job, member)] = most


def _program(job: Job, member: TrialInTraining) -> str:
    """What decides how much memory a member needs, and of which device."""
    return canonical([pack_key(member.trial), job.device])
