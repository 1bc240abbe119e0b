"""The faults that `sweeper chaos` injects: killed processes, truncated files."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from cluster.killing import Process, killing
from cluster.processes import alive, descendants
from sweeper.storage import ledger, paths
from sweeper.storage.stored_files import read_known
from sweeper.sweep import Sweep
from trainers import checkpoint
from trainers.commit_format import FILES

__all__ = [
    "WORKER",
    "Cut",
    "cut_commit",
    "cut_ledger",
    "kill_driver",
    "saved_epochs",
    "worker_killer",
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


@contextmanager
def worker_killer(sweep: Sweep, chance: random.Random) -> Iterator[Callable[[int], bool]]:
    """A function that kills a worker of the driver with this pid, and returns whether it did.

    On a running cluster the workers are not the driver's children, and may be on other machines:
    they are recognised by the checkpoints that they wrote since the block began.
    """
    if sweep.cluster == "local":
        yield lambda driver: _kill_child(driver, chance)
        return
    before = {folder for folder, _ in _speakers(sweep)}
    with killing(sweep.cluster) as kill:

        def kill_speaker(driver: int) -> bool:
            new = [worker for folder, worker in _speakers(sweep) if folder not in before]
            return bool(new) and kill(chance.choice(new))

        yield kill_speaker


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
    """Truncate a file to a random length, as after a power failure; returns the length."""
    length = chance.randrange(path.stat().st_size)
    os.truncate(path, length)
    return length
