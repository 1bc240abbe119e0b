"""The processor cores that this process may use, and how many others want one.

Ray itself counts the cores of the machine.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

__all__ = ["allowed_cores", "core_quota", "machine_load"]

CGROUP, OWN = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
LOADS, LOOKS, PAUSE = Path("/proc/loadavg"), 6, 0.005
SLURM = "SLURM_CPUS_PER_TASK"


def allowed_cores() -> int:
    """The cores by affinity (``taskset``), the quota of the control group, and Slurm; at least 1.

    A quota of 1.5 cores counts as 1: a second process would wait half of the time.
    """
    here = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else ()
    found = [float(len(here) or os.cpu_count() or 1)]
    with suppress(ValueError):
        found.append(float(os.environ.get(SLURM, "")))
    if (quota := core_quota()) is not None:
        found.append(quota)
    return max(1, int(min(found)))


def machine_load(source: Path = LOADS) -> float:
    """How many threads of this machine run or wait for a core, besides the caller.

    It is the mean of the last minute, or of this moment where that is less: after a program that
    has just ended the machine is free. Not each system tells of the moment.
    """
    running = list[int]()
    with suppress(OSError, ValueError, IndexError):
        for _ in range(LOOKS):
            running.append(int(source.read_text().split()[3].partition("/")[0]) - 1)
            time.sleep(PAUSE)
    minute = os.getloadavg()[0]
    return max(0.0, min(minute, sum(running) / len(running))) if running else minute


def core_quota(root: Path = CGROUP, own: Path = OWN) -> float | None:
    """The cores that this process's control group, or one that it is in, may use; None for all."""
    return min(_quotas(root, own), default=None)


def _quotas(root: Path, own: Path) -> Iterator[float]:
    for folder in _groups(root, own):
        with suppress(OSError, ValueError):
            quota, period = (folder / "cpu.max").read_text().split()
            yield int(quota) / int(period)  # "max" is no number
        with suppress(OSError, ValueError):
            quota_us = int((folder / "cpu" / "cpu.cfs_quota_us").read_text())
            if quota_us > 0:
                yield quota_us / int((folder / "cpu" / "cpu.cfs_period_us").read_text())


def _groups(root: Path, own: Path) -> Iterator[Path]:
    """The group of this process, and those that it is in, up to the root."""
    named = "/"
    with suppress(OSError):
        lines = own.read_text().splitlines()
        named = next((line[3:] for line in lines if line.startswith("0::/")), "/")
    folder = root / named.lstrip("/")
    yield folder
    while folder != root and root in folder.parents:
        folder = folder.parent
        yield folder
