"""One member's Adam and a pack's are the same Adam."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from trainers.optim import make_adam


def test_the_layout_of_a_gradient_does_not_matter() -> None:
    """A transposed gradient moves each number by its own sign: the first step is −lr·sign(g)."""
    gradient = torch.arange(12, dtype=torch.float64).reshape(4, 3).T - 5.5
    moved = [stepped(grad) for grad in (gradient, gradient.contiguous())]
    torch.testing.assert_close(moved[0], -0.1 * gradient.sign(), rtol=1e-6, atol=0)
    assert torch.equal(*moved)


def stepped(gradient: Tensor) -> Tensor:
    params = {"weight": torch.zeros(3, 4, dtype=torch.float64)}
    lr, eps = torch.tensor([0.1, 1e-8], dtype=torch.float64)
    make_adam(params, lr, eps).step([gradient])
    return params["weight"]


@pytest.mark.parametrize("members", [0, 3])
def test_steps_are_those_of_kingma_and_ba(members: int) -> None:
    """m ← 0.9 m + 0.1 g, v ← 0.999 v + 0.001 g², θ ← θ − lr · m̂ / (√v̂ + ε), of each member."""
    shape = (members, 2, 3) if members else (2, 3)
    generator = torch.Generator().manual_seed(0)
    numbers = torch.tensor([[0.1, 1e-8], [0.02, 0.5], [3.0, 1e-3]], dtype=torch.float64)
    lr, eps = numbers.T if members else numbers[1]
    params = {"weight": torch.randn(shape, dtype=torch.float64, generator=generator)}
    adam, theta = make_adam(params, lr, eps), params["weight"].clone()
    first, second = torch.zeros_like(theta), torch.zeros_like(theta)
    lr, eps = (value.reshape(-1, 1, 1) if members else value for value in (lr, eps))
    for step in range(1, 6):
        g = torch.randn(shape, dtype=torch.float64, generator=generator)
        adam.step([g])
        first, second = 0.9 * first + 0.1 * g, 0.999 * second + 0.001 * g**2
        theta -= lr * (first / (1 - 0.9**step)) / ((second / (1 - 0.999**step)).sqrt() + eps)
        torch.testing.assert_close(params["weight"], theta, rtol=1e-12, atol=1e-12)
