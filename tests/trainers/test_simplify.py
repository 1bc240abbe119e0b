"""A recorded graph calls nothing twice, and gives what it gave to the last bit."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor
from torch.fx import GraphModule

from trainers.tracing import record

Function = Callable[[Tensor], Sequence[Tensor]]


def calls(graph: GraphModule) -> list[str]:
    """The operators that a graph calls, in their order."""
    return [
        str(node.target).removeprefix("aten.")
        for node in graph.graph.nodes
        if node.op == "call_function"
    ]


def test_what_was_computed_is_not_computed_again() -> None:
    def function(x: Tensor) -> list[Tensor]:
        return [x.exp().sum(0), x.t().t().exp().sum(0) + 1]

    graph, x = record(function, [torch.ones(3, 2)]), torch.randn(3, 2)
    assert calls(graph) == ["exp.default", "sum.dim_IntList", "add.Tensor"]
    assert all(torch.equal(*pair) for pair in zip(graph(x), function(x), strict=True))


def test_a_view_of_a_view_is_one_of_its_base_and_one_that_was_there_before_is_taken() -> None:
    def function(x: Tensor) -> list[Tensor]:
        deep = x.reshape(2, 3, 4)[1].t()
        return [deep.sin(), deep.t().t().cos(), x[1:2].reshape(12).view(1, 12).exp()]

    graph, x = record(function, [torch.ones(2, 12)]), torch.randn(2, 12)
    views = ["as_strided.default", "slice.Tensor"]
    assert calls(graph) == [views[0], "sin.default", "cos.default", views[1], "exp.default"]
    assert all(torch.equal(*pair) for pair in zip(graph(x), function(x), strict=True))


@pytest.mark.parametrize(
    ("function", "count"),
    [
        (lambda x: [x / -0.0, x / 0.0], 2),
        (lambda x: [x.sum(0, True), x.sum(0, False)], 2),
        (lambda x: [torch.stack([x, x * 2]), torch.stack([x * 2, x])], 3),
        (lambda x: [x[:2] + 1, x[1:] + 1], 4),
        (lambda x: [x.to(torch.float64), x.to(torch.bfloat16)], 2),
        (lambda x: [x * math.nan, x * math.nan], 1),
        (lambda x: [one + 1 for one in torch.split(x, [1, 2])], 5),
    ],
    ids=["zeros", "flags", "orders", "parts", "types", "nan", "several"],
)
def test_what_differs_is_not_taken_for_the_same(function: Function, count: int) -> None:
    graph, x = record(function, [torch.ones(3)]), torch.tensor([1.0, -2.0, 3.0])
    assert len(calls(graph)) == count
    same = [
        torch.equal(found.nan_to_num(7.0), expected.nan_to_num(7.0))
        for found, expected in zip(graph(x), function(x), strict=True)
    ]
    assert set(same) == {True}


def test_a_first_power_is_its_base_where_it_lies_and_counts_as_that() -> None:
    def function(x: Tensor, n: Tensor) -> list[Tensor]:
        wide = x[:1].expand(3, 2)
        return [x**1.0 + 2, (wide**1.0).t() + 1, n**1.0]

    given = torch.randn(3, 2), torch.arange(3)
    graph = record(function, [torch.ones(3, 2), torch.ones(3, dtype=torch.long)])
    assert calls(graph).count("pow.Tensor_Scalar") == 2
    found, expected = graph(*given), function(*given)
    assert all(torch.equal(*pair) for pair in zip(found, expected, strict=True))
    assert [one.dtype for one in found] == [one.dtype for one in expected]


def test_a_conjugate_lies_as_its_base_does_and_is_another() -> None:
    def function(x: Tensor) -> list[Tensor]:
        z = torch.complex(x, x + 1)
        return [torch.view_as_real(z.conj().resolve_conj()), torch.view_as_real(z)]

    graph, x = record(function, [torch.ones(3)]), torch.randn(3)
    assert all(torch.equal(*pair) for pair in zip(graph(x), function(x), strict=True))


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta")
def test_sparse_tensors_are_computed_with_as_before() -> None:
    """They have no layout in memory by which two of them could be compared."""

    def function(x: Tensor) -> list[Tensor]:
        rows = (x > 0).to(x.dtype).to_sparse_csr()
        return [rows @ x, rows.t() @ x, (rows * 2).to_dense() ** 1, torch.sin(rows).values()]

    graph, x = record(function, [torch.ones(3, 3)]), torch.randn(3, 3)
    assert all(torch.equal(*pair) for pair in zip(graph(x), function(x), strict=True))


def test_where_something_is_changed_in_place_all_stays() -> None:
    """What was equal when it was computed may not be, when it is used."""

    def function(x: Tensor) -> list[Tensor]:
        first, second = x.exp(), x.exp()
        first += 1
        return [first, second, x.exp()]

    graph, x = record(function, [torch.ones(3)]), torch.randn(3)
    assert calls(graph).count("exp.default") == 3
    assert all(torch.equal(*pair) for pair in zip(graph(x), function(x), strict=True))
