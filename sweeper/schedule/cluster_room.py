"""Whether a cluster has the resources that a trial asks for, and more for one out of memory."""

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
    """A cluster: `crowded` if none of the places that this sweep asked for was given.

    `asked` is then what one of them asks for: more than the sweep's resources where a trial had
    too little memory.
    """

    crowded: bool
    asked: Mapping[str, float]
    nodes: Nodes
    free: Mapping[str, float]


class RoomWatch:
    """Says, once each time, that a cluster which others use has had no room for long.

    Parameters
    ----------
    ask : looks at the cluster. say : takes the sentence.
    """

    def __init__(self, ask: Callable[[], Occupancy], say: Callable[[str], None]) -> None:
        self._ask, self._say = ask, say
        self._placed = self._looked = time.monotonic()
        self._crowded = self._said = False

    def look(self, at_once: bool = False) -> bool:
        """Whether it is crowded: now, if `at_once`, and else when it was last asked, which is done
        every few seconds.
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
    """`UserError` if no node has the resources of a trial: Ray would wait silently for one."""
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
    """What to ask for in the place of `asked`: twice the cores and twice the share of a GPU.

    The `last` time all cores of a node, and a GPU of its own. Never more than there is: the
    largest of the `nodes` that have what was asked for sets the limit.
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
    """The resources of each live node that has what is asked for."""
    return [
        node["Resources"]
        for node in nodes
        if node["Alive"]
        and all(node["Resources"].get(name, 0) >= amount for name, amount in asked.items())
    ]
