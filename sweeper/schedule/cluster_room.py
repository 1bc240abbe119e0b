"""Check whether a cluster has the resources that a trial requests, and how far to raise them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sweeper.errors import UserError
from sweeper.sweep import Resources

__all__ = ["Occupancy", "RoomWatch", "require_room", "roomier"]

Nodes = Sequence[Mapping[str, Any]]  # as `ray.nodes` lists them
PATIENCE, LOOK_EVERY = 15.0, 3.0


@dataclass(frozen=True)
class Occupancy:
    """The state of a cluster: `crowded` if Ray placed none of this sweep's resource requests.

    `asked` is then one of the requests: more than the sweep's resources if a trial ran out of
    memory.
    """

    crowded: bool
    asked: Mapping[str, float]
    nodes: Nodes
    free: Mapping[str, float]


class RoomWatch:
    """Tells the user once that a shared cluster has had no free resources for a long time.

    Parameters
    ----------
    ask : returns the state of the cluster. say : called with a sentence for the user.
    """

    def __init__(self, ask: Callable[[], Occupancy], say: Callable[[str], None]) -> None:
        self._ask, self._say = ask, say
        self._placed = self._looked = time.monotonic()
        self._crowded = self._said = False

    def look(self, at_once: bool = False) -> bool:
        """Whether the cluster is crowded, as of the last query, which is made every few seconds.

        `at_once` : query it now.
        """
        now = time.monotonic()
        if now - self._looked < LOOK_EVERY and not at_once:
            return self._crowded
        self._looked, seen = now, self._ask()
        self._crowded = seen.crowded
        if not seen.crowded:
            self._placed, self._said = now, False
        elif now - self._placed >= PATIENCE and not self._said:
            self._said = True
            self._say(_waiting(seen))
        return self._crowded


def require_room(resources: Resources, nodes: Nodes) -> None:
    """Raise `UserError` if no node has the resources of a trial; Ray would wait forever."""
    asked = {"CPU": resources.cpus, "GPU": resources.gpus}
    if _fitting(asked, nodes):
        return
    there = [one["Resources"] for one in nodes if one["Alive"]]
    best = {name: max((one.get(name, 0.0) for one in there), default=0.0) for name in asked}
    raise UserError(
        f"a trial asks for cpus: {asked['CPU']:g} and gpus: {asked['GPU']:g}, and "
        f"this machine has {best['CPU']:g} and {best['GPU']:g}; ask for no more"
    )


def roomier(asked: Mapping[str, float], nodes: Nodes, last: bool) -> dict[str, float]:
    """The request that replaces `asked` after a trial ran out of memory.

    It has twice the cores and twice the share of a GPU; at the `last` retry all cores of a node,
    and a whole GPU. The limit is the largest of the `nodes` that have what `asked` requests.
    """
    fit = _fitting(asked, nodes)
    cores = max((one.get("CPU", 0.0) for one in fit), default=asked.get("CPU", 0.0))
    share = asked.get("GPU", 0.0)
    found = {**asked, "CPU": cores if last else min(cores, 2 * asked.get("CPU", 0.0))}
    return found | ({"GPU": 1.0 if last else min(1.0, 2 * share)} if 0 < share < 1 else {})


def _waiting(seen: Occupancy) -> str:
    asked = {name: seen.asked.get(name, 0.0) for name in ("CPU", "GPU")}
    text = f"waiting for room: a trial asks for cpus: {asked['CPU']:g} and gpus: {asked['GPU']:g}"
    if not _fitting(asked, seen.nodes):
        return f"{text}, and no node of the cluster has as much; it starts when one joins"
    free = " and ".join(
        f"{seen.free.get(name, 0):g} of "
        f"{sum(node['Resources'].get(name, 0) for node in seen.nodes if node['Alive']):g} {name}s"
        for name, amount in asked.items()
        if amount
    )
    return f"{text}, and {free} are free in the cluster (`ray status` shows who has the others)"


def _fitting(asked: Mapping[str, float], nodes: Nodes) -> list[Mapping[str, float]]:
    """The resources of each live node that has at least the resources `asked`."""
    return [
        node["Resources"]
        for node in nodes
        if node["Alive"]
        and all(node["Resources"].get(name, 0) >= amount for name, amount in asked.items())
    ]
