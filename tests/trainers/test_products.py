"""Large products of float32 matrices are those of oneDNN, in what is traced and what is not."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from trainers.products import LEAST, THERE, fast_product, fast_products
from trainers.tracing import record

CPU = torch.device("cpu")
ATEN = torch.ops.aten
ONEDNN = "mkldnn._linear_pointwise.default"

pytestmark = pytest.mark.skipif(not THERE, reason="torch has no oneDNN here")


def matrix(rows: int, columns: int, transposed: bool = False) -> Tensor:
    return torch.randn(columns, rows).t() if transposed else torch.randn(rows, columns)


@pytest.mark.parametrize(
    ("left", "right"), list(itertools.product([False, True], repeat=2)), ids=str
)
@pytest.mark.parametrize("rows", [1, 30, 300])
def test_a_product_is_that_of_the_matrices(rows: int, left: bool, right: bool) -> None:
    """In every layout: within the rounding of some thousand additions."""
    torch.manual_seed(0)
    x, w, bias = matrix(rows, 5000, left), matrix(5000, 300, right), torch.randn(300)
    exact = x.double() @ w.double()
    with fast_products(CPU):
        found = x @ w, torch.addmm(bias, x, w), torch.stack([x, -x]) @ torch.stack([w, w])
        alone = x.contiguous() @ w.contiguous()
    assert all(value.is_contiguous() for value in found)
    for value, expected in zip(
        found, (exact, exact + bias, torch.stack([exact, -exact])), strict=True
    ):
        assert (value - expected).abs().max() < 1e-3 * exact.std()
    assert torch.equal(found[2][0], alone), "a member of a pack gets the same digits alone"


def test_derivatives_of_any_order_are_those_of_the_product() -> None:
    """Also of a product's derivative, as a score's loss has it."""
    torch.manual_seed(0)
    x, w = torch.randn(200, 300, requires_grad=True), torch.randn(300, 100, requires_grad=True)

    def derivatives(dtype: torch.dtype) -> list[Tensor]:
        leaves = x.to(dtype), w.to(dtype)
        [slope] = torch.autograd.grad(
            (leaves[0] @ leaves[1]).sin().sum(), leaves[:1], create_graph=True
        )
        return [slope, *torch.autograd.grad(slope.square().sum(), (x, w))]

    with fast_products(CPU):
        found = derivatives(torch.float32)
    for value, expected in zip(found, derivatives(torch.float64), strict=True):
        assert (value - expected).abs().max() < 1e-4 * expected.abs().max()


@pytest.mark.parametrize(
    "function",
    [
        lambda x, w: x @ w,
        lambda x, w: torch.nn.functional.linear(x, w.t(), w[0]),
        lambda x, w: torch.func.vmap(torch.matmul)(torch.stack([x, x]), torch.stack([w, w])),
        lambda x, w: x.t() @ (x @ w),
    ],
)
def test_what_is_traced_has_them(function: Callable[[Tensor, Tensor], Tensor]) -> None:
    """Without a constant in the graph, and with the digits of what is not traced."""

    def step(x: Tensor, w: Tensor) -> list[Tensor]:
        with fast_products(CPU):
            return [function(x, w)]

    graph = record(step, [torch.zeros(200, 300), torch.zeros(300, 100)])
    called = [str(node.target) for node in graph.graph.nodes]
    assert ONEDNN in called
    assert not {"aten.mm.default", "aten.addmm.default", "aten.bmm.default"} & set(called)
    assert not [node for node in graph.graph.nodes if node.op == "get_attr"]
    torch.manual_seed(0)
    x, w = torch.randn(200, 300), torch.randn(300, 100)
    assert torch.equal(graph(x, w)[0], step(x, w)[0])


def test_others_are_left_to_torch() -> None:
    """Small ones, other precisions and layouts, and sums with more than a row."""
    x, w = torch.randn(200, 300), torch.randn(300, 100)
    for left, right in [
        (x[: LEAST // 300 // 100], w),
        (x.double(), w.double()),
        (x.bfloat16(), w.bfloat16()),
        (x, torch.randn(300, 200)[:, ::2]),
        (x, torch.randn(300, 1).expand(300, 100)),
        (x.to("meta"), w.to("meta")),
    ]:
        assert fast_product(ATEN.mm.default, (left, right), {}) is None
    assert fast_product(ATEN.mm.default, (x, w), {})
    assert fast_product(ATEN.addmm.default, (torch.zeros(200, 100), x, w), {}) is None
    assert fast_product(ATEN.addmm.default, (torch.zeros(1), x, w), {}) is None
    assert fast_product(ATEN.addmm.default, (w[0], x, w), {"beta": 2}) is None
    assert fast_product(ATEN.add.Tensor, (x, x), {}) is None
