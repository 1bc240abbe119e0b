"""Group trials into packs: those with equal pack keys train as one program."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Sequence
from typing import TypeVar

from sweeper.grid.identity import canonical
from sweeper.resources import Resources
from sweeper.sweep import PlannedTrial
from trainers import program
from trainers.small import cpu_pack_size

__all__ = ["evenly", "make_packs", "pack_key", "pack_size", "probes", "shared_keys"]

Item = TypeVar("Item")


def make_packs(
    trials: Sequence[PlannedTrial], resources: Resources, slots: int = 1
) -> list[tuple[PlannedTrial, ...]]:
    """Packs of at most `pack_size` trials that differ in seed and per-member numbers only.

    Packs of one program are equally large, and so many that they keep `slots` places busy to the
    end: nine trials in packs of at most four are 3 and 3 and 3, and on four places 3, 2, 2 and 2.
    Where the size is left to a probe of the GPU, there is one pack for each place, which the
    worker divides. Packs stand in the order of their first trials.
    """
    if resources.pack == 1:
        return [(trial,) for trial in trials]
    packs = [
        pack
        for group in _programs(trials).values()
        for pack in evenly(group, _pack_count(group, resources, slots))
    ]
    rank = {trial.id: position for position, trial in enumerate(trials)}
    return sorted(packs, key=lambda pack: rank[pack[0].id])


def _programs(trials: Sequence[PlannedTrial]) -> dict[str, list[PlannedTrial]]:
    """The trials by their pack keys."""
    groups: dict[str, list[PlannedTrial]] = defaultdict(list)
    for trial in trials:
        groups[pack_key(trial)].append(trial)
    return groups


def evenly(items: Sequence[Item], parts: int) -> list[tuple[Item, ...]]:
    """The items in their order, in parts whose sizes differ by one at most."""
    least, more = divmod(len(items), parts)
    ends = [0, *itertools.accumulate(least + (part < more) for part in range(parts))]
    return [tuple(items[start:end]) for start, end in itertools.pairwise(ends)]


def _pack_count(group: Sequence[PlannedTrial], resources: Resources, slots: int) -> int:
    """As few packs as their size allows, and then a multiple of `slots`.

    A trial by itself is worth no pack on a CPU, where it is trained beside a copy.
    """
    if probes(resources):
        return min(slots, len(group))
    size = pack_size(resources, group[0])
    if size == 1:
        return len(group)
    least = -(-len(group) // size)
    return max(least, min(-(-least // slots) * slots, len(group) // 2))


def shared_keys(trials: Sequence[PlannedTrial], resources: Resources) -> frozenset[str]:
    """The pack keys that more than one trial of a sweep has; none where packs have one trial."""
    if resources.pack == 1:
        return frozenset()
    groups = _programs([trial for trial in trials if not trial.merged_from])
    return frozenset(
        name
        for name, group in groups.items()
        if len(group) > 1 and (probes(resources) or pack_size(resources, group[0]) > 1)
    )


def pack_size(resources: Resources, trial: PlannedTrial | None = None) -> int:
    """How many trials like this one make a pack at most, where no GPU is probed.

    ``auto`` packs those of small programs on a CPU (`cpu_pack_size`). A search that looks at
    results proposes its points one by one, and says no trial: it gets 1.
    """
    if resources.pack != "auto":
        return resources.pack
    return cpu_pack_size(trial.trial) if trial else 1


def probes(resources: Resources) -> bool:
    """Whether a worker finds the size of packs by a few steps on its GPU."""
    return resources.pack == "auto" and resources.gpus > 0


def pack_key(trial: PlannedTrial, any_length: bool = False) -> str:
    """The part of a trial that the members of a pack must share, as one string.

    any_length : without the number of epochs, which they share, too.
    """
    training = trial.trial.training
    shared = program.pack_key(trial.trial)
    if any_length:
        del shared["training"]["epochs"]
    return canonical([shared, training.test_every, training.checkpoint_every])
