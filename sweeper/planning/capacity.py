"""Estimates of a trial's time and memory, before it is run."""

from __future__ import annotations

import heapq
import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import torch

from cluster.cores import allowed_cores, machine_load
from cluster.free_memory import free_memory
from sweeper.grid.identity import canonical
from sweeper.planning.readable import readable
from sweeper.planning.speeds import Speed, Speeds, speeds_of
from sweeper.resources import Resources, packs_on
from sweeper.sweep import PlannedTrial, Sweep
from trainers.batches import VALIDATED
from trainers.datasets import Dataset, load
from trainers.energies import EnergyBased
from trainers.evaluations import config
from trainers.fields import describe_fields
from trainers.flops import example_flops
from trainers.trial import PARTS, Training, Trial

__all__ = [
    "BUSY",
    "Estimate",
    "crowding",
    "estimate",
    "estimates",
    "estimates_of",
    "filled",
    "parallel",
    "places",
    "room_here",
    "wall_seconds",
]

FLOPS = 125e9
STEP = 0.4e-3
MEMBER = 0.15  # of that, which a member of a pack takes beside its share
PER_PARAMETER = 1e-9
BACKWARD = 3
SECOND_ORDER = 6
TEST = 2
START = 9.0
RAY_SHARE = 0.7
PROCESS = 600e6
PER_PARAMETER_BYTES = 20
BUSY = 1.5  # processes for each core, from which on times are uncertain


@dataclass(frozen=True)
class Estimate:
    """A trial on one core of a CPU: its epochs, their speed, and bytes of its process.

    Where nothing was measured the speed comes from a table of rates (a server core with AVX-512,
    float32), by the factor of what was measured of other programs: expect it to be wrong by a
    factor of two either way, and on older cores by more.
    """

    speed: Speed
    epochs: int
    memory: float

    @property
    def seconds(self) -> float:
        """The time of the whole trial."""
        return self.speed.seconds(self.epochs)


def estimate(trial: Trial, parameters: int, members: int = 1) -> Estimate:
    """Arithmetic and memory traffic of all steps, at the tabulated rates.

    members : the trials of its pack, which share the time that the calls of operators take.
    """
    splits = load(trial.data)
    batch = min(trial.training.batch_size, len(splits.train))
    epochs = trial.training.epochs
    forward = example_flops(trial)
    factor = SECOND_ORDER if isinstance(trial.objective, EnergyBased) else BACKWARD
    calls = STEP * (1 / members + MEMBER)
    step = calls + PER_PARAMETER * parameters + factor * forward * batch / FLOPS
    tests = math.ceil(epochs / trial.training.test_every)
    held_out = len(splits.test) + min(len(splits.validation), VALIDATED)
    epoch_s = (
        len(splits.train) // batch * step + tests / epochs * TEST * forward * held_out / FLOPS
    )
    memory = PROCESS + PER_PARAMETER_BYTES * parameters + _bytes(trial.data)
    return Estimate(Speed(epoch_s, 0.0, epoch_s), epochs, memory)


def estimates(trials: Sequence[PlannedTrial], speeds: Speeds) -> dict[str, Estimate]:
    """Estimates by trial id, by what was measured of their programs, if anything was.

    Trials that differ in seed and per-member numbers share one.
    """
    numbers = _per_member()
    known: dict[str, Estimate] = {}
    found = {}
    for trial in trials:
        params = {name: value for name, value in trial.params.items() if name not in numbers}
        key = canonical([params, [config(one) for one in trial.evaluate]])
        if key not in known:
            with readable():
                known[key] = _calibrated(trial, speeds)
        found[trial.id] = known[key]
    return found


def estimates_of(sweep: Sweep, trials: Sequence[PlannedTrial]) -> dict[str, Estimate]:
    """`estimates` of trials, by what the storage of their sweep knows of this machine."""
    return estimates(trials, speeds_of(sweep, places(sweep)))


def _calibrated(trial: PlannedTrial, speeds: Speeds) -> Estimate:
    tabulated = estimate(trial.trial, trial.parameters, speeds.members(trial))
    measured = speeds.of(trial)
    guess = replace(tabulated.speed, epoch_s=speeds.factor * tabulated.speed.rated_s)
    return replace(tabulated, speed=measured or guess)


def _per_member() -> set[str]:
    components = [registry[name] for registry in PARTS.values() for name in registry]
    return {"seed"} | {
        field.name
        for component in [*components, Training]
        for field in describe_fields(component)
        if field.per_member
    }


def parallel(resources: Resources, packs: int) -> int:
    """How many packs this machine trains at once."""
    return resources.at_once(min(packs, packs_on(*room_here(resources))))


def places(sweep: Sweep) -> int:
    """How many packs train at once on this machine; 1 for a cluster, whose nodes are not known."""
    if sweep.cluster != "local":
        return 1
    return sweep.resources.at_once(packs_on(*room_here(sweep.resources)))


def room_here(resources: Resources) -> tuple[dict[str, float], dict[str, float]]:
    """What a Ray of this machine alone has, and what a pack asks for, by Ray's names.

    It gives its trials 70 % of the free memory. The kind of its GPUs is not looked at.
    """
    free, _ = free_memory() or (0, 0)
    there = {
        "CPU": float(allowed_cores()),
        "GPU": float(torch.cuda.device_count() if resources.gpus else 0),
        "memory": RAY_SHARE * free,
    }
    return there, replace(resources, gpu_type=None).asked()


def crowding(sweep: Sweep, slots: int) -> float:
    """How many processes share a core while `slots` packs train here; 1 if none has to wait.

    By `machine_load`. 1 for a cluster, whose load is not known.
    """
    if sweep.cluster != "local":
        return 1.0
    others = machine_load() / (os.cpu_count() or 1)
    return max(1.0, others + slots * sweep.resources.cpus / allowed_cores())


def wall_seconds(seconds: Sequence[float], slots: int) -> float:
    """The total time in seconds of trials of these lengths on `slots` parallel slots."""
    return START + filled(seconds, slots) if seconds else 0.0


def filled(seconds: Iterable[float], slots: int) -> float:
    """The time after which the last slot is free, if each trial goes to the first free one."""
    ends = [0.0] * slots
    for duration in seconds:
        heapq.heapreplace(ends, ends[0] + duration)
    return max(ends)


def _bytes(data: Dataset) -> int:
    splits = load(data)
    return sum(split.x.numel() * split.x.element_size() for split in (splits.train, splits.test))
