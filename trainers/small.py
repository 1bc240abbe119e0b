"""Programs that a CPU trains faster in packs: those whose steps are small."""

from __future__ import annotations

import functools

from trainers.flops import example_flops
from trainers.trial import Trial

__all__ = ["cpu_pack_size"]

SMALL = 2**22
MOST = 9


@functools.lru_cache(maxsize=1024)
def cpu_pack_size(trial: Trial) -> int:
    """How many trials like this one a CPU trains as one program: 9, or 1 where that gains little.

    A step calls about two hundred operators, which takes 0.35 ms whatever they compute. Up to
    four million multiplications in the forward pass of a batch that is so much that a member of a
    pack of nine takes 0.23 to 0.75 of the time of a trial by itself, and of larger steps 0.9 and
    more (tests/benchmarks/RESULTS.md). Each parameter counts as one multiplication at least,
    whatever a network of the user's own calls its modules and does in them.
    """
    each = max(example_flops(trial) / 2, trial.count_parameters())
    multiplications = each * trial.training.batch_size
    return MOST if multiplications <= SMALL else 1
