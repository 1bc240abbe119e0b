"""Kill a process on any machine of a Ray cluster, for tests of fault tolerance."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cluster.addresses import backend_at
from cluster.probe import live_nodes, on_node

__all__ = ["Process", "killing"]

PATIENCE = 30.0  # seconds for Ray to start a process of its own there


@dataclass(frozen=True)
class Process:
    """A process that was seen alive.

    Parameters
    ----------
    host, pid : its machine and process number. seen : when, in s since 1970 by its own clock.
    name : how its command line begins.
    """

    host: str
    pid: int
    seen: float
    name: bytes


@contextmanager
def killing(address: str) -> Iterator[Callable[[Process], bool]]:
    """A function that sends SIGKILL to a process of the cluster, and returns whether it did.

    It kills nothing if the process has ended, also if its number was reused by a process with
    another name, a later start, or another owner. Raises `ClusterError` if there is no Ray.
    """
    there = backend_at(address)
    there.connect()
    try:
        yield _kill
    finally:
        there.close()


def _kill(process: Process) -> bool:
    import ray

    nodes = [node.id for node in live_nodes() if node.host == process.host]
    if not nodes:
        return False
    try:
        done, _ = ray.get(on_node(nodes[0], partial(_kill_here, process)), timeout=PATIENCE)
    except ray.exceptions.RayError:
        return False
    return bool(done)


def _kill_here(process: Process) -> bool:
    try:
        command = Path(f"/proc/{process.pid}/cmdline").read_bytes()
        if not command.startswith(process.name) or _begun(process.pid) > process.seen:
            return False
        os.kill(process.pid, signal.SIGKILL)
    except OSError:
        return False
    return True


def _begun(pid: int) -> float:
    """When a process began, in seconds since 1970."""
    ticks = int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[19])
    booted = time.time() - float(Path("/proc/uptime").read_text().split()[0])
    return booted + ticks / os.sysconf("SC_CLK_TCK")
