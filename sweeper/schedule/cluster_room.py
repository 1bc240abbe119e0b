"""Check whether a cluster has the resources that a trial requests, and how far to raise them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sweeper.errors import UserError
from sweeper.resources import Resources, free_in_words, in_words, packs_on, shortfall

__all__ = ["Occupancy", "RoomWatch", "out_of_reach", "require_room", "roomier"]

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
    """Tells the user that a shared cluster has had no free resources for a long time.

    It is said once of each request, until one of the sweep's is placed.

    Parameters
    ----------
    ask : returns the state of the cluster. say : called with a sentence for the user.
    """

    def __init__(self, ask: Callable[[], Occupancy], say: Callable[[str], None]) -> None:
        self._ask, self._say = ask, say
        self._placed = self._looked = time.monotonic()
        self._crowded = False
        self._said: list[Mapping[str, float]] = []

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
            self._placed, self._said = now, []
        elif now - self._placed >= PATIENCE and seen.asked not in self._said:
            self._said.append(seen.asked)
            self._say(_waiting(seen))
        return self._crowded


def require_room(resources: Resources, nodes: Nodes) -> None:
    """Raise `UserError` if no node has the resources of a trial; Ray would wait forever."""
    asked = resources.asked()
    if not _fitting(asked, nodes):
        raise UserError(
            f"a trial asks for {in_words(asked)}, and {shortfall(asked, _named(nodes))}; "
            "ask for no more"
        )


def out_of_reach(asked: Mapping[str, float], nodes: Nodes) -> str:
    """A sentence for the user if no node of a cluster has what a trial requests; else ""."""
    if _fitting(asked, nodes):
        return ""
    return (
        f"waiting for room: a trial asks for {in_words(asked)}, and no node of the cluster has as "
        f"much ({shortfall(asked, _named(nodes))}); it starts when one joins"
    )


def _named(nodes: Nodes) -> list[tuple[str, Mapping[str, float]]]:
    """The name and address of each live node, and its resources."""
    return [
        (f"{one['NodeManagerHostname']} ({one['NodeManagerAddress']})", one["Resources"])
        for one in nodes
        if one["Alive"]
    ]


def roomier(asked: Mapping[str, float], nodes: Nodes, last: bool) -> dict[str, float]:
    """The request that replaces `asked` after a trial ran out of memory.

    It has twice the cores, the memory and the share of a GPU; at the `last` retry all cores and
    memory of a node, and a whole GPU. The limit is the largest of the `nodes` that have what
    `asked` requests; memory is requested only if `asked` does.
    """
    fit = _fitting(asked, nodes)
    share = asked.get("GPU", 0.0)
    found = dict(asked)
    for name in {"CPU", "memory"} & asked.keys():
        most = max((one.get(name, 0.0) for one in fit), default=asked[name])
        found[name] = most if last else min(most, 2 * asked[name])
    return found | ({"GPU": 1.0 if last else min(1.0, 2 * share)} if 0 < share < 1 else {})


def _waiting(seen: Occupancy) -> str:
    asked = {"CPU": 0.0, "GPU": 0.0, **seen.asked}
    if too_much := out_of_reach(asked, seen.nodes):
        return too_much
    there = [one["Resources"] for one in seen.nodes if one["Alive"]]
    total = {name: sum(one.get(name, 0.0) for one in there) for name in asked}
    return (
        f"waiting for room: a trial asks for {in_words(asked)}, and "
        f"{free_in_words(asked, seen.free, total)} are free in the cluster (`ray status` shows "
        "who has the others)"
    )


def _fitting(asked: Mapping[str, float], nodes: Nodes) -> list[Mapping[str, float]]:
    """The resources of each live node that has at least the resources `asked`."""
    return [
        node["Resources"] for node in nodes if node["Alive"] and packs_on(node["Resources"], asked)
    ]
