"""The faults that `sweeper chaos` injects: killed processes, truncated files."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cluster.killing import Process, joined, kill, kill_node
from cluster.processes import alive, descendants
from sweeper.storage import ledger, paths
from sweeper.storage.attempts import publish_file
from sweeper.storage.stored_files import read_known
from sweeper.sweep import Sweep
from trainers import checkpoint
from trainers.commit_format import FILES

__all__ = [
    "WORKER",
    "Cut",
    "Killers",
    "cut_commit",
    "cut_ledger",
    "kill_driver",
    "killers",
    "saved_epochs",
]

WORKER = b"ray::ImplicitFunc"  # how Ray names a process that trains
AGENTS = (b"ray::DashboardAgent", b"ray::RuntimeEnvAgent")  # idle, yet they stay half a minute
PATIENCE = 20.0  # seconds for Ray's processes to end after their driver


@dataclass(frozen=True)
class Cut:
    """A truncated file; `believed` : whether it was still read as valid right afterwards."""

    path: Path
    length: int
    believed: bool


def saved_epochs(sweep: Sweep) -> int:
    """The number of epochs of all trials in the storage; it never decreases."""
    newest: dict[str, int] = {}
    for manifest in paths.commit_manifests(sweep.storage):
        trial, epoch = manifest.parts[-4], manifest.parts[-2]
        if epoch.isdigit():
            newest[trial] = max(newest.get(trial, 0), int(epoch))
    return sum(newest.values())


def kill_driver(pid: int) -> None:
    """SIGKILL the driver, and wait until the processes that could still write have ended."""
    own = [one for one, command in descendants(pid).items() if not command.startswith(AGENTS)]
    os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + PATIENCE
    while any(map(alive, own)) and time.monotonic() < until:
        time.sleep(0.05)


@dataclass(frozen=True)
class Killers:
    """Functions that kill a worker of the driver with this pid, or a node on which one trains.

    They return whether they did. `node` is None where no node may be killed.
    """

    worker: Callable[[int], bool]
    node: Callable[[int], bool] | None = None


@contextmanager
def killers(sweep: Sweep, chance: random.Random, nodes: bool) -> Iterator[Killers]:
    """The `Killers` of a sweep; `nodes` says whether a node may be killed.

    On a running cluster the workers are not the driver's children, and may be on other machines:
    they are recognised by the checkpoints that they wrote since the block began.
    """
    if sweep.cluster == "local":
        yield Killers(partial(_kill_child, chance=chance))
        return
    before = {folder for folder, _ in _speakers(sweep)}

    def strike(how: Callable[[Process], bool], driver: int) -> bool:
        new = [worker for folder, worker in _speakers(sweep) if folder not in before]
        return any(map(how, chance.sample(new, len(new))))

    with joined(sweep.cluster):
        yield Killers(partial(strike, kill), partial(strike, kill_node) if nodes else None)


def _speakers(sweep: Sweep) -> Iterator[tuple[Path, Process]]:
    """The newest checkpoint of each running trial, and the process that wrote it."""
    for trial in sweep.trials:
        commit = ledger.newest_commit(sweep.storage, trial.id)
        if commit and commit.progress.status == "running" and "pid" in commit.manifest:
            about = commit.manifest
            yield (
                commit.folder,
                Process(about["host"], about["pid"], about["time_ms"] / 1000, WORKER),
            )


def _kill_child(driver: int, chance: random.Random) -> bool:
    """SIGKILL one of the processes that train for a driver on this machine, if there is one."""
    workers = [pid for pid, command in descendants(driver).items() if command.startswith(WORKER)]
    if not workers:
        return False
    with suppress(ProcessLookupError):
        os.kill(chance.choice(sorted(workers)), signal.SIGKILL)
        return True
    return False


def cut_commit(sweep: Sweep, chance: random.Random) -> Cut | None:
    """Truncate a file of the newest commit of a running trial; None if there is no such trial."""
    newest = [
        commit
        for trial in sweep.trials
        if (commit := ledger.newest_commit(sweep.storage, trial.id))
        and commit.progress.status == "running"
    ]
    if not newest:
        return None
    commit = chance.choice(newest)
    path = commit.folder / chance.choice(FILES)
    length = _cut(path, chance)
    after = checkpoint.latest(commit.folder.parents[1])
    return Cut(path, length, after is not None and after.folder == commit.folder)


def cut_ledger(sweep: Sweep, chance: random.Random) -> Cut | None:
    """Truncate ``sweep.json`` or a trial's ``trial.json``; None if it is missing or empty."""
    trial = chance.choice(sweep.trials)
    path = chance.choice([paths.sweep_file(sweep), paths.trial_file(sweep.storage, trial.id)])
    if not (path.exists() and path.stat().st_size):
        return None
    length = _cut(path, chance)
    return Cut(path, length, bool(read_known(path, {})))


def _cut(path: Path, chance: random.Random) -> int:
    """Truncate a file to a random length, as after a power failure; returns the length.

    On a bucket its object is truncated, too.
    """
    length = chance.randrange(path.stat().st_size)
    os.truncate(path, length)
    publish_file(path)
    return length
