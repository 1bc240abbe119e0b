"""How many members a pack should have on a GPU, by the time and memory of a few steps."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch

from trainers.convolution import Way
from trainers.memory import free_memory, out_of_memory
from trainers.pack import Pack
from trainers.trial import Trial

__all__ = ["Cost", "advised_size", "best_size", "fastest", "measured", "room"]

GAIN = 0.05
STEPS = 40
SPARE = 0.1


@dataclass(frozen=True)
class Cost:
    """What a pack of some size takes: seconds a step, and bytes of the device's memory."""

    seconds: float
    memory: float


def best_size(measure: Callable[[int], Cost], most: int, room: float) -> int:
    """The size of a pack, up to `most`, above which twice the members save less than 5 %.

    Packs of one and of two members say what a pack takes of the memory, and what each member adds
    to it: so no pack is tried that would not fit into `room` bytes. The size is then doubled for
    as long as the time a member falls by 5 % or more, and there is room. `measure` gives the cost
    of a pack of a size; an error of it for want of memory ends the doubling.
    """
    one = measure(1)
    tried, size, least = 2, 1, one.seconds
    while size < tried <= most:
        try:
            cost = measure(tried)
        except Exception as error:
            if out_of_memory(error):
                return size
            raise
        if tried == 2 and cost.memory > one.memory:
            most = min(most, int((room - one.memory) / (cost.memory - one.memory)) + 1)
        if tried > most or cost.seconds / tried > (1 - GAIN) * least:
            return size
        size, least = tried, cost.seconds / tried
        tried = min(2 * size, most)
    return size


def advised_size(trials: Sequence[Trial], device: str) -> int:
    """The size of packs of these trials, of one program, on a GPU: 1 if they cannot be measured.

    What is wrong with them is said when they are trained.
    """
    try:
        return best_size(partial(measured, trials, device), len(trials), room(device))
    except Exception:  # noqa: BLE001 - raised again there
        return 1


def fastest(measure: Callable[[Way], Cost], ways: Sequence[Way]) -> Way:
    """The way to compute convolutions that takes the least time; one that has no room is left out.

    The first of the `ways` needs no measurement where there is no other.
    """
    found: dict[Way, float] = {}
    for way in ways if len(ways) > 1 else ():
        try:
            found[way] = measure(way).seconds
        except Exception as error:
            if not out_of_memory(error):
                raise
    return min(found, key=found.__getitem__, default=ways[0])


def measured(trials: Sequence[Trial], device: str, size: int, way: Way = "grouped") -> Cost:
    """The cost of a pack of this many members on a GPU, made of trials of one program."""
    gc.collect()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(device)
    members = [replace(trials[seed % len(trials)], seed=seed) for seed in range(size)]
    seconds = Pack(members, device, packed=True, way=way).rehearse(STEPS)
    return Cost(seconds, torch.cuda.max_memory_reserved(device))


def room(device: str) -> float:
    """The bytes of a GPU that this process may use: nine tenths of its share, if they are free."""
    return (1 - SPARE) * (free_memory(device) + torch.cuda.memory_reserved(device))
