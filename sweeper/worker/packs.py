"""Group trials into packs: those with equal pack keys train as one program."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from sweeper.grid.identity import canonical
from sweeper.resources import Resources
from sweeper.sweep import PlannedTrial
from trainers import program

__all__ = ["make_packs", "pack_key", "pack_size", "shared_keys"]


def make_packs(
    trials: Sequence[PlannedTrial], resources: Resources
) -> list[tuple[PlannedTrial, ...]]:
    """Packs of at most `pack_size` trials that differ in seed and per-member numbers only.

    The packs stand in the order of their first trials.
    """
    size = pack_size(resources)
    if size == 1:
        return [(trial,) for trial in trials]
    groups: dict[str, list[PlannedTrial]] = defaultdict(list)
    for trial in trials:
        groups[pack_key(trial)].append(trial)
    packs = [
        tuple(group[start : start + size])
        for group in groups.values()
        for start in range(0, len(group), size)
    ]
    rank = {trial.id: position for position, trial in enumerate(trials)}
    return sorted(packs, key=lambda pack: rank[pack[0].id])


def shared_keys(trials: Sequence[PlannedTrial], resources: Resources) -> frozenset[str]:
    """The pack keys that more than one trial of a sweep has; none where packs have one trial."""
    if pack_size(resources) == 1:
        return frozenset()
    counts = Counter(pack_key(trial) for trial in trials if not trial.merged_from)
    return frozenset(name for name, count in counts.items() if count > 1)


def pack_size(resources: Resources) -> int:
    """How many trials make a pack; ``auto`` is 1, as two processes beat a pack on a CPU."""
    return 1 if resources.pack == "auto" else resources.pack


def pack_key(trial: PlannedTrial) -> str:
    """The part of a trial that the members of a pack must share, as one string."""
    training = trial.trial.training
    shared = program.pack_key(trial.trial)
    return canonical([shared, training.test_every, training.checkpoint_every])
