"""The softplus: how exact it is, its derivatives, and what it calls."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from trainers.likelihoods.bernoulli import Bernoulli
from trainers.networks import activation
from trainers.softplus import softplus
from trainers.tracing import record

EDGES = torch.tensor([0.0, -0.0, 1e-30, -1e-30, 20.0, 20.00004, 600.0, -80.0], dtype=torch.float64)


def points(dtype: torch.dtype) -> torch.Tensor:
    """From where e^x is barely a normal number to where only x is left."""
    return torch.cat([torch.linspace(-87, 120, 200_001, dtype=torch.float64), EDGES]).to(dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_it_is_right_to_two_units_in_the_last_place(dtype: torch.dtype) -> None:
    x = points(dtype)
    exact = np.logaddexp(np.longdouble(0), x.numpy().astype(np.longdouble))
    found = softplus(x).numpy()
    units = np.abs(found.astype(np.longdouble) - exact) / np.spacing(found)
    assert units.max() < 2


def test_its_limits_are_those_of_the_formula() -> None:
    x = torch.tensor([float("inf"), float("-inf"), 1e30, -1e30, float("nan")])
    assert softplus(x)[:4].tolist() == [float("inf"), 0, x[2].item(), 0]
    assert softplus(x)[4].isnan()


def test_its_derivatives_are_those_of_the_formula() -> None:
    x = torch.linspace(-30, 30, 41, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(softplus, x)  # type: ignore[no-untyped-call]
    assert torch.autograd.gradgradcheck(softplus, x)  # type: ignore[no-untyped-call]


def test_a_row_does_not_depend_on_those_beside_it() -> None:
    x = 5 * torch.randn(3, 7, 13, generator=torch.Generator().manual_seed(0))
    packed = torch.func.vmap(softplus)(x)
    assert all(torch.equal(packed[row], softplus(x[row].clone())) for row in range(3))
    at_once = torch.func.vmap(torch.func.grad(lambda row: softplus(row).sum()))(x)
    assert torch.equal(at_once, torch.sigmoid(x))


def test_half_precision_is_rounded_once() -> None:
    x = torch.linspace(-9, 9, 1001).bfloat16()
    assert torch.equal(softplus(x), softplus(x.double()).bfloat16())


@pytest.mark.parametrize("where", ["an activation", "the likelihood"])
def test_a_step_calls_no_slow_logarithm(where: str) -> None:
    """`log1p`, which is not vectorised, is most of what torch's own costs on a CPU."""
    if where == "an activation":
        function: Callable[[torch.Tensor], torch.Tensor] = activation("softplus")
    else:

        def function(u: torch.Tensor) -> torch.Tensor:
            return Bernoulli().log_prob(torch.zeros(2, 3), u[:, None], torch.sigmoid)

    graph = record(lambda u: [function(u)], [torch.randn(2, 3)])
    called = {
        str(node.target).split(".")[1] for node in graph.graph.nodes if node.op == "call_function"
    }
    assert "log" in called
    assert not called & {"softplus", "log1p"}
