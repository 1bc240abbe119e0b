"""The resources of a pack: as a grid writes them, as Ray is asked for them, and in messages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Resources", "free_in_words", "in_words", "packs_on", "shortfall"]

GB = 1e9
TYPE = "accelerator_type:"  # Ray names a resource so of each kind of GPU that a node has
SHARE = 0.001  # of such a resource, so that it excludes no other request
EXACT = 1e-6
SHOWN = 3


@dataclass(frozen=True)
class Resources:
    """The resources of one pack, how many trials make a pack, and how many packs train at once.

    Parameters
    ----------
    cpus : cores. gpus : GPUs, or a share of one: on a GPU train two packs of 0.5.
    pack : the most trials of a pack; ``auto``: what a probe of the GPU finds, and on a CPU nine of
        a network so small that one step of nine takes little longer than one of one.
    gpu_type : the kind of GPU, by Ray's name of it (``A100``). memory_gb : main memory in GB.
    custom : what nodes have by ``ray start --resources``.
    max_concurrent : the greatest number of packs at once.
    """

    cpus: float = 1
    gpus: float = 0
    pack: int | Literal["auto"] = "auto"
    memory_gb: float = 0
    gpu_type: str | None = None
    custom: Mapping[str, float] = field(default_factory=dict)
    max_concurrent: int | None = None

    def asked(self) -> dict[str, float]:
        """The request of one pack, by Ray's names."""
        more = {"memory": self.memory_gb * GB, **self.custom}
        kind = {TYPE + self.gpu_type: SHARE} if self.gpu_type else {}
        needed = {name: amount for name, amount in more.items() if amount}
        return {"CPU": self.cpus, "GPU": self.gpus, **needed, **kind}

    def at_once(self, places: int) -> int:
        """How many packs train at once where there is room for so many; at least one."""
        return max(1, min(places, self.max_concurrent or places))


def packs_on(node: Mapping[str, float], asked: Mapping[str, float]) -> int:
    """How many packs with a request a node with these resources has room for."""
    room = [_times(name, node.get(name, 0.0), amount) for name, amount in asked.items() if amount]
    return int(min(room, default=0))


def in_words(asked: Mapping[str, float]) -> str:
    """A request by the names that grids use."""
    return _listed({_named(name): _shown(name, amount) for name, amount in asked.items()})


def free_in_words(
    asked: Mapping[str, float], free: Mapping[str, float], total: Mapping[str, float]
) -> str:
    """How much of what a request needs is free: "1 of 2 CPUs"."""
    units = {"CPU": "CPUs", "GPU": "GPUs", "memory": "GB of memory"}
    return " and ".join(
        f"{_shown(name, free.get(name, 0))} of {_shown(name, total.get(name, 0))} "
        f"{units.get(name, name)}"
        for name, amount in asked.items()
        if amount and not name.startswith(TYPE)
    )


def shortfall(asked: Mapping[str, float], nodes: Sequence[tuple[str, Mapping[str, float]]]) -> str:
    """What each node has of a request, as a sentence's end; "" if one of them has all of it.

    nodes : the name of each node, and its resources.
    """
    if any(packs_on(there, asked) for _, there in nodes):
        return ""
    alike: dict[str, list[str]] = defaultdict(list)
    for name, there in sorted(nodes, key=lambda node: node[0]):
        alike[_has(there, asked)].append(name)
    return "; ".join(f"{_all(names)} {has}" for has, names in alike.items()) or "it has no node"


def _all(names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"{names[0]} has"
    more = ", ..." if len(names) > SHOWN else ""
    return f"{len(names)} nodes ({', '.join(names[:SHOWN])}{more}) have"


def _has(node: Mapping[str, float], asked: Mapping[str, float]) -> str:
    kinds = [name.removeprefix(TYPE) for name in node if name.startswith(TYPE)]
    amounts = {
        _named(name): (", ".join(sorted(kinds)) or "none")
        if name.startswith(TYPE)
        else _shown(name, node.get(name, 0.0))
        for name in asked
    }
    return _listed(amounts)


def _listed(amounts: Mapping[str, str]) -> str:
    words = [f"{name}: {amount}" for name, amount in amounts.items()]
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def _named(name: str) -> str:
    known = {"CPU": "cpus", "GPU": "gpus", "memory": "memory_gb"}
    return "gpu_type" if name.startswith(TYPE) else known.get(name, name)


def _shown(name: str, amount: float) -> str:
    if name.startswith(TYPE):
        return name.removeprefix(TYPE)
    return f"{amount / GB:.3g}" if name == "memory" else f"{amount:g}"


def _times(name: str, have: float, amount: float) -> int:
    """How often an amount fits; a share of a GPU lies on one GPU."""
    if name == "GPU" and amount < 1:
        return int(have) * int(1 / amount + EXACT)
    return int(have / amount + EXACT)
