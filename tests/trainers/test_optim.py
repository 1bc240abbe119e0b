"""One member's Adam and a pack's are the same Adam."""

from __future__ import annotations

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
