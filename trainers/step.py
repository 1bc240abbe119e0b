"""The steps of training: gather, loss, gradients and Adam, traced once and then replayed."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.fx import GraphModule
from torch.utils._pytree import tree_flatten, tree_unflatten

from trainers.batches import Batches, take_rows
from trainers.noise import Streams
from trainers.objectives import Metrics
from trainers.optim import Adam
from trainers.program import Program
from trainers.tracing import record

__all__ = ["Steps", "Traced"]

AHEAD = 8
WARM_UP = 3
KEPT = 64


@dataclass(frozen=True)
class Traced:
    """The graph of a step up to Adam: it gives the metrics as one tensor, then the gradients."""

    graph: GraphModule
    metrics: tuple[str, ...]


_TRACED: dict[Hashable, Traced] = {}


class Steps:
    """Takes the optimiser steps of a pack, an epoch at a time.

    What a step computes is traced once in a process for each program, and then replayed: it
    gathers the batch from the raw examples, and gives metrics and gradients. The order and the
    noise of the next few steps lie in buffers, and a counter on the device says which of them are
    a step's own; the metrics are summed on the device, too. So between two fillings nothing goes
    to the device or comes from it, and on a GPU a step with its Adam is one CUDA graph.

    Parameters
    ----------
    program : what all members of the pack compute. batches : their data.
    params, hyper, adam : parameters, numbers and optimiser, all with a pack axis or all without.
        A step changes the parameters and Adam's moments in place.
    """

    def __init__(
        self,
        program: Program,
        batches: Batches,
        params: Mapping[str, Tensor],
        hyper: Mapping[str, Tensor],
        adam: Adam,
    ) -> None:
        self._program, self._batches, self._adam = program, batches, adam
        self._batch = min(program.training.batch_size, len(batches))
        self._needs = program.draws(self._batch) | batches.draws(self._batch)
        members = len(next(iter(params.values()))) if program.packed else 1
        ahead, device = (members, AHEAD), batches.device
        self._noise = {
            name: torch.empty(*ahead, *draw.shape, dtype=program.training.dtype, device=device)
            for name, draw in self._needs.items()
        }
        self._rows = torch.zeros(*ahead, self._batch, dtype=torch.long, device=device)
        self._raw = batches.buffer(self._rows.numel())
        self._at = torch.zeros(1, dtype=torch.long, device=device)
        self._inputs, self._tree = tree_flatten(
            (dict(params), dict(hyper), self._noise, (self._raw, self._rows), self._at)
        )
        self._names = tuple(params), tuple(hyper), tuple(self._noise)
        self._totals: Tensor | None = None
        self._taken = 0
        self._replay: Callable[[], None] | None = None

    def trace(self) -> Traced:
        """The graph of a step, made at its first use; nothing is changed by making it."""
        kinds = tuple((one.shape, one.stride(), one.dtype) for one in self._inputs)
        key = self._program.key, self._batches.device, self._names, kinds
        if key not in _TRACED:
            names: list[str] = []

            def compute(*inputs: Tensor) -> list[Tensor]:
                metrics, grads = self._compute(*tree_unflatten(inputs, self._tree))
                names.extend(metrics)
                return [torch.stack([value.detach() for value in metrics.values()]), *grads]

            graph = record(compute, self._inputs)
            if len(_TRACED) == KEPT:
                del _TRACED[next(iter(_TRACED))]
            _TRACED[key] = Traced(graph, tuple(names))
        return _TRACED[key]

    def epoch(self, members: Sequence[Streams], most: int | None = None) -> Metrics:
        """Take the steps of an epoch, or the first of them; the mean of each metric over them."""
        traced, steps = self.trace(), len(self._batches) // self._batch
        steps = min(steps, most or steps)
        order = torch.stack([streams.order(len(self._batches)) for streams in members])
        order = order[:, : steps * self._batch].reshape(len(order), steps, self._batch)
        if self._totals is not None:
            self._totals.zero_()
        for rows in torch.split(order, AHEAD, dim=1):
            self._fill(rows, members)
            for _ in range(rows.shape[1]):
                self._step(traced.graph)
        assert self._totals is not None
        return dict(zip(traced.metrics, self._totals / steps, strict=True))

    def _fill(self, rows: Tensor, members: Sequence[Streams]) -> None:
        """Put the order and the noise of the next steps into the buffers."""
        steps = rows.shape[1]
        self._rows[:, :steps] = self._batches.place(rows, self._raw)
        for name, draw in self._needs.items():
            for streams, buffer in zip(members, self._noise[name], strict=True):
                streams.fill(draw, buffer[:steps])
        self._at.zero_()

    def _step(self, graph: GraphModule) -> None:
        if self._batches.device.type != "cuda":
            self.take(graph)
        elif self._taken < WARM_UP:
            on_side_stream(lambda: self.take(graph))
        else:
            self._replay = self._replay or captured(lambda: self.take(graph))
            self._replay()

    def take(self, graph: GraphModule) -> None:
        """One step, of operators only; this is what is captured on a GPU."""
        metrics, *grads = graph(*self._inputs)
        self._adam.step(grads)
        if self._totals is None:
            self._totals = torch.zeros_like(metrics)
        self._totals += metrics
        self._at += 1
        self._taken += 1

    def _compute(
        self,
        params: dict[str, Tensor],
        hyper: dict[str, Tensor],
        noise: dict[str, Tensor],
        examples: tuple[Tensor, Tensor],
        at: Tensor,
    ) -> tuple[Metrics, Sequence[Tensor]]:
        def now(buffer: Tensor) -> Tensor:
            own = buffer.index_select(1, at).squeeze(1)
            return own if self._program.packed else own[0]

        drawn = {name: now(buffer) for name, buffer in noise.items()}
        raw, rows = examples
        x = self._batches.in_units(take_rows(raw, now(rows)), drawn)
        leaves = {name: value.detach().requires_grad_() for name, value in params.items()}
        with torch.enable_grad(), self._program.kernels(self._batches.device):
            loss, metrics = self._program.loss(leaves, hyper, x, drawn)
            return metrics, torch.autograd.grad(loss.sum(), list(leaves.values()))


def on_side_stream(step: Callable[[], None]) -> None:
    """Run a step as those before a capture have to run: beside the default stream."""
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        step()
    torch.cuda.current_stream().wait_stream(side)


def captured(step: Callable[[], None]) -> Callable[[], None]:
    """A step as one CUDA graph. Nothing is computed while it is captured."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay
