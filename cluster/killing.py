"""Kill a process or a node of a Ray cluster that was joined, for tests of fault tolerance."""

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
from cluster.probe import Node, live_nodes, on_node
from cluster.processes import command_line, parent_of

__all__ = ["Process", "joined", "kill", "kill_node"]

PATIENCE = 120.0  # seconds for Ray to start a process of its own there, and to miss a node
LOOK_EVERY = 0.2
HEAD = "node:__internal_head__"  # a resource that Ray gives the node of its head


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
def joined(address: str) -> Iterator[None]:
    """Join a cluster during the block; raises `ClusterError` if there is no Ray."""
    there = backend_at(address)
    there.connect()
    try:
        yield
    finally:
        there.close()


def kill(process: Process) -> bool:
    """Send SIGKILL to a process of the cluster; returns whether it was sent.

    Nothing is killed if the process has ended, also if its number was reused by a process with
    another name, a later start, or another owner.
    """
    return _answer(_nodes_of(process), partial(_kill_here, process)) is True


def kill_node(process: Process) -> bool:
    """Kill the node that started a process, and wait until the cluster has missed it.

    Returns whether it has. As in `kill`, nothing is killed if the process has ended; nor is the
    node of Ray's head, without which no driver goes on.
    """
    before = _nodes_of(process)
    if _answer(before, partial(_kill_raylet_here, process)) is False:
        return False
    nodes, until = {node.id for node in before}, time.monotonic() + PATIENCE
    while nodes <= {node.id for node in live_nodes()}:
        if time.monotonic() > until:
            return False
        time.sleep(LOOK_EVERY)
    return True


def _nodes_of(process: Process) -> list[Node]:
    """The live nodes on a process's machine, the head's first: a task there outlives the rest."""
    there = [node for node in live_nodes() if node.host == process.host]
    return sorted(there, key=lambda node: HEAD not in node.resources)


def _answer(nodes: list[Node], function: Callable[[], bool]) -> bool | None:
    """What a function returns on the first of the nodes; None if that was lost meanwhile."""
    import ray

    if not nodes:
        return False
    try:
        done, _ = ray.get(on_node(nodes[0].id, function), timeout=PATIENCE)
    except ray.exceptions.RayError:
        return None
    return bool(done)


def _kill_here(process: Process) -> bool:
    return _is_there(process) and _kill(process.pid)


def _kill_raylet_here(process: Process) -> bool:
    if not _is_there(process):
        return False
    try:
        raylet = parent_of(Path(f"/proc/{process.pid}"))
    except OSError:
        return False
    words = command_line(Path(f"/proc/{raylet}"))
    return words[0].endswith(b"/raylet") and b"--head" not in words and _kill(raylet)


def _kill(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        return False
    return True


def _is_there(process: Process) -> bool:
    """Whether the process that was seen still runs."""
    try:
        command = Path(f"/proc/{process.pid}/cmdline").read_bytes()
        return command.startswith(process.name) and _begun(process.pid) <= process.seen
    except OSError:
        return False


def _begun(pid: int) -> float:
    """When a process began, in seconds since 1970."""
    ticks = int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[19])
    booted = time.time() - float(Path("/proc/uptime").read_text().split()[0])
    return booted + ticks / os.sysconf("SC_CLK_TCK")
