"""One member's Adam and a pack's are the same Adam."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from trainers.optim import Adam


def test_the_layout_of_a_gradient_does_not_matter() -> None:
    """A transposed gradient moves each number by its own sign: the first step is −lr·sign(g)."""
    gradient = torch.arange(12, dtype=torch.float64).reshape(4, 3).T - 5.5
    moved = [stepped(grad) for grad in (gradient, gradient.contiguous())]
    torch.testing.assert_close(moved[0], -0.1 * gradient.sign(), rtol=1e-6, atol=0)
    assert torch.equal(*moved)


def stepped(gradient: Tensor) -> Tensor:
    params = {"weight": torch.zeros(3, 4, dtype=torch.float64)}
    lr, eps = torch.tensor([0.1, 1e-8], dtype=torch.float64)
    Adam(params, lr, eps).step([gradient])
    return params["weight"]


@pytest.mark.parametrize("members", [0, 3])
def test_steps_are_those_of_kingma_and_ba(members: int) -> None:
    """m ← 0.9 m + 0.1 g, v ← 0.999 v + 0.001 g², θ ← θ − lr · m̂ / (√v̂ + ε), of each member."""
    shape = (members, 2, 3) if members else (2, 3)
    generator = torch.Generator().manual_seed(0)
    numbers = torch.tensor([[0.1, 1e-8], [0.02, 0.5], [3.0, 1e-3]], dtype=torch.float64)
    lr, eps = numbers.T if members else numbers[1]
    params = {"weight": torch.randn(shape, dtype=torch.float64, generator=generator)}
    adam, theta = Adam(params, lr, eps), params["weight"].clone()
    first, second = torch.zeros_like(theta), torch.zeros_like(theta)
    lr, eps = (value.reshape(-1, 1, 1) if members else value for value in (lr, eps))
    for step in range(1, 6):
        g = torch.randn(shape, dtype=torch.float64, generator=generator)
        adam.step([g])
        first, second = 0.9 * first + 0.1 * g, 0.999 * second + 0.001 * g**2
        theta -= lr * (first / (1 - 0.9**step)) / ((second / (1 - 0.999**step)).sqrt() + eps)
        torch.testing.assert_close(params["weight"], theta, rtol=1e-12, atol=1e-12)


def members(shape: tuple[int, ...], generator: torch.Generator) -> list[Tensor]:
    """A weight and a bias, stacked over a pack of three."""
    return [torch.randn(3, *one, generator=generator) for one in (shape, shape[:1])]


def named(values: list[Tensor]) -> dict[str, Tensor]:
    return dict(zip(("weight", "bias"), values, strict=True))


RATES = torch.tensor([[1e-3, 1e-8], [3e-3, 1e-4], [0.1, 1e-8]], dtype=torch.float64).T


def test_a_member_of_a_pack_is_updated_to_the_last_bit_as_alone() -> None:
    generator = torch.Generator().manual_seed(1)
    together = members((5, 37), generator)
    apart = [[value[member].clone() for value in together] for member in range(3)]
    pack = Adam(named(together), *RATES)
    alone = [Adam(named(own), *numbers) for own, numbers in zip(apart, RATES.T, strict=True)]
    for _ in range(5):
        grads = members((5, 37), generator)
        pack.step(grads)
        for member, adam in enumerate(alone):
            adam.step([grad[member] for grad in grads])
    joined = [torch.stack(values) for values in zip(*apart, strict=True)]
    assert [torch.equal(*pair) for pair in zip(together, joined, strict=True)] == [True, True]


class Cost(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts operators that touch memory, and the bytes that they read and write."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls = self.bytes = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        found = func(*args, **kwargs or {})
        if not func.is_view:
            changed = [
                value
                for value, argument in zip(args, func._schema.arguments, strict=False)
                if argument.alias_info and argument.alias_info.is_write
                if argument.name != "grads"  # of the fused Adam, which would unscale them
            ]
            self.calls += 1
            touched = tree_leaves([args, changed if func._schema.is_mutable else found])
            self.bytes += sum(one.nbytes for one in touched if isinstance(one, Tensor))
        return found


def test_a_step_touches_28_bytes_of_a_parameter_in_one_call_for_each_member() -> None:
    generator = torch.Generator().manual_seed(2)
    params = members((64, 50), generator)
    adam, grads = Adam(named(params), *RATES), members((64, 50), generator)
    with Cost() as cost:
        adam.step(grads)
    numbers = sum(value.numel() for value in params)
    assert cost.calls == 3 + 1, "and one that counts the steps"
    assert 28 * numbers <= cost.bytes <= 28 * numbers + 100
