"""Run a function on the nodes of the Ray cluster that this process has joined, without a CPU."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from cluster.errors import LONGEST

__all__ = ["Answer", "Node", "Probe", "draining_nodes", "last_words", "live_nodes", "on_node"]

TRIES = 2
PATIENCE = 15.0  # seconds before the user is told which nodes are waited for
LINES = 20


@dataclass(frozen=True)
class Node:
    """A live node of the cluster.

    Parameters
    ----------
    id : Ray's name of it, another one each time that it joins. host : its host name.
    name : the same, with its address where several nodes have that name.
    address : its IP address. resources : what it has in all, in Ray's names.
    """

    id: str
    host: str
    name: str
    address: str
    resources: Mapping[str, float]

    def has(self, asked: Mapping[str, float]) -> bool:
        """Whether the node has this much of each resource."""
        return all(self.resources.get(name, 0.0) >= amount for name, amount in asked.items())


@dataclass(frozen=True)
class Answer:
    """What a check found on a node, or in one line why it could not run there (`trouble`).

    ahead_s : by how many seconds the node's clock is ahead of this one, as far as that is certain.
    """

    node: Node
    found: Mapping[str, Any]
    trouble: str = ""
    ahead_s: float = 0.0


def live_nodes() -> list[Node]:
    """The live nodes of the cluster, ordered by name."""
    import ray

    alive = [one for one in ray.nodes() if one["Alive"]]  # type: ignore[no-untyped-call]
    hosts = [one["NodeManagerHostname"] for one in alive]
    found = []
    for one in alive:
        host, address = one["NodeManagerHostname"], one["NodeManagerAddress"]
        name = host if hosts.count(host) == 1 else f"{host} ({address}, {one['NodeID'][:8]})"
        found.append(Node(one["NodeID"], host, name, address, one["Resources"]))
    return sorted(found, key=lambda node: node.name)


def draining_nodes() -> set[str]:
    """The ids of the nodes that are about to end, by `ray drain-node` or an autoscaler."""
    from ray._private.state import state

    return set(state.get_draining_nodes())


def on_node(node: str, function: Callable[[], Any]) -> Any:
    """Start a function on a node, as a task that takes no CPU; returns Ray's reference to it.

    It fails, and runs nowhere else, if the node is lost.
    """
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    there = NodeAffinitySchedulingStrategy(node, soft=False)
    task = ray.remote(_call).options(num_cpus=0, max_retries=0, scheduling_strategy=there)
    return task.remote(function)


class Probe:
    """Makes a check once on each node, on all at the same time; one that fails is tried again.

    Parameters
    ----------
    check : a function of a module that the nodes have, or a `partial` of one.
    """

    def __init__(self, check: Callable[[], Mapping[str, Any]]) -> None:
        self._check = check
        self._asked = set[str]()
        self._pending: dict[Any, tuple[Node, float, int]] = {}

    def start(self, asked: Mapping[str, float]) -> None:
        """Start the check on each live node that has the resources and was not asked before.

        Nodes that are about to end are not asked: Ray starts nothing there.
        """
        known = self._asked | draining_nodes()
        for node in live_nodes():
            if node.id not in known and node.has(asked):
                self._asked.add(node.id)
                self._start(node, 1)

    def ready(self) -> list[Answer]:
        """The answers that have arrived since the last call."""
        import ray

        if not self._pending:
            return []
        done, _ = ray.wait(list(self._pending), num_returns=len(self._pending), timeout=0)
        return list(self._answers(done))

    def all(self, say: Callable[[str], None]) -> list[Answer]:
        """The answers of all nodes; `say` is told of nodes that take long."""
        import ray

        found = list[Answer]()
        while self._pending:
            done, _ = ray.wait(list(self._pending), num_returns=1, timeout=PATIENCE)
            found += self._answers(done)
            if not done:
                names = ", ".join(sorted(node.name for node, _, _ in self._pending.values()))
                say(f"waiting for an answer from {names}")
        return found

    def _start(self, node: Node, tries: int) -> None:
        self._pending[on_node(node.id, self._check)] = node, time.time(), tries

    def _answers(self, done: list[Any]) -> Iterator[Answer]:
        import ray

        for reference in done:
            node, begun, tries = self._pending.pop(reference)
            try:
                found, clock = ray.get(reference)
            except ray.exceptions.RayError as error:
                if node.id not in {one.id for one in live_nodes()}:
                    continue
                if tries < TRIES:
                    self._start(node, tries + 1)
                else:
                    yield Answer(node, {}, _last_line(error))
                continue
            ended = time.time()
            ahead = max(0.0, clock - ended) or min(0.0, clock - begun)
            yield Answer(node, found, ahead_s=ahead)


def last_words(node: str, pid: int) -> str:
    """The last lines that a worker wrote to its log on a node; "" if they cannot be read."""
    import ray

    try:
        found, _ = ray.get(on_node(node, partial(_read_log, pid)))
    except ray.exceptions.RayError:
        return ""
    return str(found)


def _call(function: Callable[[], Any]) -> tuple[Any, float]:
    """The function's result, and the time by this node's clock."""
    return function(), time.time()


def _read_log(pid: int) -> str:
    """The end of the log of another worker of this node, which lies beside this one's."""
    own = Path(os.readlink("/proc/self/fd/2"))
    for path in own.parent.glob(f"worker-*-{pid}.err"):
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-LINES:])
    return ""


def _last_line(error: Exception) -> str:
    """The last line of an error's text, where Ray puts the exception after the tracebacks."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:LONGEST]
