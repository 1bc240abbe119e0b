"""Tensor operations of a function, recorded once and called again as one flat graph."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch.fx import Graph, GraphModule, Node
from torch.fx.node import map_aggregate
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakIdKeyDictionary

from trainers.dispatch import DispatchMode
from trainers.errors import Incompatible
from trainers.simplify import changes, describe, simplify

__all__ = ["record"]

REFUSED = {
    torch.Tag.data_dependent_output: "reads a number out of a tensor",
    torch.Tag.dynamic_output_shape: "makes a tensor whose shape depends on values",
    torch.Tag.nondeterministic_seeded: "draws random numbers of its own",
}
# What reads numbers without an operator: those of a tensor, and of tensors in a list.
READERS = [
    (Tensor, name) for name in ("tolist", "numpy", "__array__", "__dlpack__", "apply_", "map_")
]
MAKERS = [(torch, "tensor"), (torch, "as_tensor"), (torch, "asarray"), (Tensor, "new_tensor")]


def record(function: Callable[..., Sequence[Tensor]], inputs: Sequence[Tensor]) -> GraphModule:
    """Call a function of tensors, and return the graph of what it did.

    The graph takes tensors of the same shapes, layouts, types and device, and calls the same
    operators in the same order, below autograd and vmap, but none twice with the same arguments
    (`simplify`): so it gives the same results to the last bit, and costs no more than these
    calls. Otherwise it is what `torch.fx.experimental.proxy_tensor.make_fx` makes,
    without its imports (the compiler's, which cost a process seconds).

    Raises `Incompatible` where the function does what such a graph cannot repeat: it reads a
    number out of a tensor, or draws random numbers.
    """
    recorder = Recorder(inputs)
    with recorder, _guarded(recorder.varies):
        results = function(*inputs)
    return recorder.finish(results)


class Recorder(DispatchMode):
    """Writes every operator that is called into a graph.

    Parameters
    ----------
    inputs : the tensors that become the graph's arguments. Others that were there before become
        constants.
    """

    def __init__(self, inputs: Sequence[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._graph = Graph()
        self._constants: dict[str, Tensor] = {}
        self._seen = WeakIdKeyDictionary()  # of each tensor that is alive: the node that gave it
        self._varying = set[Node]()  # what depends on an argument
        self._written = False  # something of that into a tensor: who shares its memory?
        for place, value in enumerate(inputs):
            self._enter(value, self._graph.placeholder(f"input_{place}"))

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        for tag, does in REFUSED.items():
            if tag in func.tags and not by_rows(func, args):
                raise _refused(does, func)
        if any(isinstance(one, torch.UntypedStorage) for one in args):
            raise _refused("copies the memory of a tensor, as copy.deepcopy does", func)
        found = func(*args, **kwargs)
        if func is torch.ops.aten.detach.default:
            self._enter(found, self._node(args[0]))
        else:
            self._enter(found, self._graph.call_function(func, *self._nodes((args, dict(kwargs)))))
        return found

    def finish(self, results: Sequence[Tensor]) -> GraphModule:
        """The graph with these results, without what they do not need."""
        self._graph.output(self._nodes(list(results)))
        simplify(self._graph)
        self._graph.eliminate_dead_code()
        return GraphModule(self._constants, self._graph)

    def varies(self, value: Tensor) -> bool:
        """Whether a tensor may differ from call to call, as it depends on an argument."""
        if torch._C._functorch.is_functorch_wrapped_tensor(value):
            return True
        return value in self._seen and (self._written or self._seen[value] in self._varying)

    def _enter(self, found: Any, node: Node) -> None:
        if node.op == "placeholder" or not self._varying.isdisjoint(node.all_input_nodes):
            self._varying.add(node)
            self._written |= changes(node)
        if isinstance(found, Tensor):
            self._seen[found] = node
            describe(node, found)
        elif isinstance(found, tuple | list):
            for place, value in enumerate(found):
                self._enter(value, self._graph.call_function(operator.getitem, (node, place)))

    def _nodes(self, values: Any) -> Any:
        return map_aggregate(
            values, lambda value: self._node(value) if isinstance(value, Tensor) else value
        )

    def _node(self, value: Tensor) -> Node:
        if value not in self._seen:
            name = f"constant_{len(self._constants)}"
            self._constants[name] = value
            self._enter(value, self._graph.get_attr(name))
        found: Node = self._seen[value]
        return found


@contextmanager
def _guarded(varies: Callable[[Tensor], bool]) -> Iterator[None]:
    """Refuse in the block what reads numbers of a tensor that varies, and calls no operator.

    The functions are replaced, as a mode of torch does not see what autograd calls backward.
    """
    with ExitStack() as replaced:
        for owner, name in (*READERS, *MAKERS):
            whole, inside = getattr(owner, name), (owner, name) in MAKERS
            guard = _guard(whole, varies, _inside if inside else _first)
            replaced.enter_context(patch.object(owner, name, guard))
        yield


def _guard(
    whole: Callable[..., Any],
    varies: Callable[[Tensor], bool],
    read: Callable[[Sequence[Any]], Sequence[Tensor]],
) -> Callable[..., Any]:
    @functools.wraps(whole)
    def guard(*args: Any, **kwargs: Any) -> Any:
        if any(varies(value) for value in read((*args, *kwargs.values()))):
            raise _refused("reads the numbers of a tensor", whole.__name__)
        return whole(*args, **kwargs)

    return guard


def _first(args: Sequence[Any]) -> Sequence[Tensor]:
    return args[:1]


def _inside(args: Sequence[Any]) -> Sequence[Tensor]:
    """The tensors in lists and tuples."""
    lists = [one for one in args if isinstance(one, list | tuple)]
    return [leaf for leaf in tree_leaves(lists) if isinstance(leaf, Tensor)]


def _refused(does: str, function: object) -> Incompatible:
    return Incompatible(
        f"the loss {does} ({function}), and a step of training is recorded once and then "
        "repeated: use torch.where for choices, torch.stack for lists and clone for copies, and "
        "declare noise in `draws`"
    )


def by_rows(func: Any, args: tuple[Any, ...]) -> bool:
    """Whether an operator takes elements by their numbers, and not by a mask."""
    if func is not torch.ops.aten.index.Tensor:
        return False
    masks = torch.bool, torch.uint8
    return all(rows is None or rows.dtype not in masks for rows in args[1])
