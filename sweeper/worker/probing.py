"""How large the packs of a program are: by a probe of the GPU, and by what memory had room for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from sweeper.grid.identity import canonical
from sweeper.messages import Job
from sweeper.worker.member import TrialInTraining
from trainers.probe import best_size, measured, room
from trainers.program import pack_key

__all__ = ["largest_pack", "remember"]

_MOST: dict[str, int] = {}  # members of a pack, by program


def largest_pack(job: Job, members: Sequence[TrialInTraining]) -> int:
    """How many of the members may train as one pack; the first job of a program probes its GPU."""
    program = _program(job, members[0])
    if job.probe and len(members) > 1 and program not in _MOST:
        trials = [one.trial for one in job.trials]
        try:
            _MOST[program] = best_size(
                partial(measured, trials, job.device), len(trials), room(job.device)
            )
        except Exception:  # noqa: BLE001 - raised again where the trials are trained
            _MOST[program] = 1
    return _MOST.get(program, len(members))


def remember(job: Job, member: TrialInTraining, most: int) -> None:
    """Have all later packs of a program, in this process, have no more members."""
    _MOST[_program(job, member)] = most


def _program(job: Job, member: TrialInTraining) -> str:
    """What decides how much memory a member needs, and of which device."""
    return canonical([pack_key(member.trial), job.device])
