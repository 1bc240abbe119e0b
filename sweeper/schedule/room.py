"""More room for a job whose memory ran out: so much of a node that fewer share it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["roomier"]


def roomier(asked: Mapping[str, float], nodes: Sequence[Mapping[str, Any]],
            last: bool) -> dict[str, float]:
    """What to ask for in the place of `asked`: twice the cores and twice the share of a GPU.

    The `last` time all cores of a node, and a GPU of its own. Never more than there is: `nodes`
    are as `ray.nodes` lists them, and the largest one that has what was asked for sets the limit.
    """
    fit = [node["Resources"] for node in nodes if node["Alive"] and all(
        node["Resources"].get(name, 0) >= amount for name, amount in asked.items())]
    cores = max((one.get("CPU", 0.0) for one in fit), default=asked.get("CPU", 0.0))
    share = asked.get("GPU", 0.0)
    found = {**asked, "CPU": cores if last else min(cores, 2 * asked.get("CPU", 0.0))}
    return found | ({"GPU": 1.0 if last else min(1.0, 2 * share)} if 0 < share < 1 else {})
