"""Whether a node has room for a trial, and more room for one whose memory ran out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sweeper.errors import UserError
from sweeper.sweep import Resources

__all__ = ["require_room", "roomier"]

Nodes = Sequence[Mapping[str, Any]]  # as `ray.nodes` lists them


def require_room(resources: Resources, nodes: Nodes) -> None:
    """`UserError` if no node has what a trial asks for: Ray would wait for one without a word."""
    asked = {"CPU": resources.cpus, "GPU": resources.gpus}
    if _fitting(asked, nodes):
        return
    there = [one["Resources"] for one in nodes if one["Alive"]]
    best = {name: max((one.get(name, 0.0) for one in there), default=0.0) for name in asked}
    raise UserError(f"a trial asks for cpus: {asked['CPU']:g} and gpus: {asked['GPU']:g}, and "
                    f"this machine has {best['CPU']:g} and {best['GPU']:g}; ask for no more")


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


def _fitting(asked: Mapping[str, float], nodes: Nodes) -> list[Mapping[str, float]]:
    """What each node has that is alive and has what is asked for."""
    return [node["Resources"] for node in nodes if node["Alive"] and all(
        node["Resources"].get(name, 0) >= amount for name, amount in asked.items())]
