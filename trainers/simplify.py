"""Leave out of a recorded graph what computes nothing new; the results stay the same bits."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.fx import Graph, Node

__all__ = ["changes", "describe", "simplify"]

ATEN = torch.ops.aten
LAYOUT, TYPE = "layout", "type"  # in a node's `meta`; a layout: size, stride, offset in memory
VIEWS = frozenset(  # what they give is told by the layout alone
    {
        ATEN._reshape_alias.default,
        ATEN.alias.default,
        ATEN.as_strided.default,
        ATEN.expand.default,
        ATEN.permute.default,
        ATEN.select.int,
        ATEN.slice.Tensor,
        ATEN.squeeze.default,
        ATEN.squeeze.dim,
        ATEN.squeeze.dims,
        ATEN.t.default,
        ATEN.transpose.int,
        ATEN.unsqueeze.default,
        ATEN.view.default,
    }
)
Key = tuple[object, ...]


def describe(node: Node, value: Tensor) -> None:
    """Note in the node how its tensor lies in memory, for `simplify`; not of a sparse one."""
    if value.layout is torch.strided:
        node.meta[LAYOUT] = tuple(value.shape), value.stride(), value.storage_offset()
        node.meta[TYPE] = value.dtype


def simplify(graph: Graph) -> None:
    """Call nothing twice with the same arguments, and a view of a view as one of its base.

    Autograd and vmap make many views, of which most are what a view before was, and a loss often
    computes what one of its metrics has computed. A graph in which an operator changes a tensor
    in place stays as it is. Every node of a tensor was given to `describe`; the layouts of the
    graph's arguments must be the same whenever it is called.
    """
    nodes = list(graph.nodes)
    if any(changes(node) for node in nodes):
        return
    known: dict[Key, Node] = {}
    bases: dict[Node, Node] = {}  # of each view: the node whose memory it shows
    for node in nodes:
        base, same = node, None
        if node.op == "call_function":
            if node.target in VIEWS and LAYOUT in node.meta:
                base = bases[node.args[0]]
                same = known.get((base, node.meta[LAYOUT]))
            elif node.target is ATEN.pow.Tensor_Scalar and _is_copy(node):
                same = node.args[0]
            else:
                key = node.target, _key(node.args), _key(node.kwargs)
                same = known.setdefault(key, node)
        if same is not None and same is not node:
            node.replace_all_uses_with(same)
            graph.erase_node(node)
            continue
        bases[node] = base
        if LAYOUT in node.meta:
            known[base, node.meta[LAYOUT]] = node
        if base is not node and node.args[0] is not base:
            node.target, node.args = ATEN.as_strided.default, (base, *node.meta[LAYOUT])
            node.kwargs = {}


def changes(node: Node) -> bool:
    """Whether an operator changes one of its arguments."""
    schema = getattr(node.target, "_schema", None)
    return schema is not None and schema.is_mutable


def _is_copy(power: Node) -> bool:
    """Whether a power is its base in every respect, as in autograd's derivative of a square."""
    base, exponent = power.args
    assert isinstance(base, Node)
    same = LAYOUT in base.meta and all(
        power.meta.get(name) == base.meta[name] for name in (LAYOUT, TYPE)
    )
    return bool(exponent == 1) and same


def _key(value: Any) -> object:
    """An argument in a form that is equal for the same one only: 1, 1.0 and True differ."""
    if isinstance(value, Node):
        return value
    if isinstance(value, list | tuple):
        return tuple(_key(one) for one in value)
    if isinstance(value, dict):
        return tuple((name, _key(one)) for name, one in value.items())
    return type(value), repr(value)
