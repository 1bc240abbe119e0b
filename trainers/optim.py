"""Adam for one member, or for a whole pack with a rate and an ε for each member."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

__all__ = ["Adam", "SoloAdam", "StackedAdam", "make_adam"]

BETA1, BETA2 = 0.9, 0.999


@runtime_checkable
class Adam(Protocol):
    """Adam (Kingma and Ba 2015) at a constant rate: θ ← θ − lr · m̂ / (√v̂ + ε)."""

    def step(self, grads: Sequence[Tensor]) -> None:
        """Update the parameters in place from their gradients, in the same order."""
        ...

    def moments(self, name: str) -> tuple[Tensor, Tensor]:
        """First and second moment of a parameter; the pack axis leads where there is one."""
        ...

    def restore(self, moments: Mapping[str, tuple[Tensor, Tensor]], steps: int) -> None:
        """Take over the moments of every parameter after `steps` steps."""
        ...


def make_adam(params: Mapping[str, Tensor], lr: Tensor, eps: Tensor) -> Adam:
    """torch's fused Adam for one member (0-d `lr`), the stacked one for a pack (shape P)."""
    if lr.ndim == 0:
        return SoloAdam(params, float(lr), float(eps))
    return StackedAdam(params, lr, eps)


class SoloAdam:
    """torch's fused Adam over named parameters.

    It calls the fused operator itself: `torch.optim` would import the compiler at its first use,
    which costs every worker seconds. That operator walks through memory and does not look at
    strides, so gradients of another layout than their parameters (convolutions differentiated
    twice have them) are copied first.
    """

    def __init__(self, params: Mapping[str, Tensor], lr: float, eps: float) -> None:
        self._params = dict(params)
        self._lr, self._eps = lr, eps
        self._first = {name: torch.zeros_like(p) for name, p in params.items()}
        self._second = {name: torch.zeros_like(p) for name, p in params.items()}
        self._steps = [torch.zeros((), device=p.device) for p in params.values()]

    @torch.no_grad()
    def step(self, grads: Sequence[Tensor]) -> None:
        torch._foreach_add_(self._steps, 1)
        torch._fused_adam_(
            list(self._params.values()),
            [grad.contiguous() for grad in grads],
            list(self._first.values()),
            list(self._second.values()),
            [],
            self._steps,
            lr=self._lr,
            beta1=BETA1,
            beta2=BETA2,
            weight_decay=0.0,
            eps=self._eps,
            amsgrad=False,
            maximize=False,
        )

    def moments(self, name: str) -> tuple[Tensor, Tensor]:
        return self._first[name], self._second[name]

    def restore(self, moments: Mapping[str, tuple[Tensor, Tensor]], steps: int) -> None:
        for count in self._steps:
            count.fill_(steps)
        for name, (first, second) in moments.items():
            self._first[name] = first.clone()
            self._second[name] = second.clone()


class StackedAdam:
    """Adam over parameters with a leading pack axis; `lr` and `eps` have shape (P,)."""

    def __init__(self, params: Mapping[str, Tensor], lr: Tensor, eps: Tensor) -> None:
        self._params = dict(params)
        self._lr, self._eps = lr.double(), eps.double()
        self._first = {name: torch.zeros_like(p) for name, p in params.items()}
        self._second = {name: torch.zeros_like(p) for name, p in params.items()}
        self._steps = 0

    @torch.no_grad()
    def step(self, grads: Sequence[Tensor]) -> None:
        self._steps += 1
        first, second = list(self._first.values()), list(self._second.values())
        torch._foreach_lerp_(first, list(grads), 1 - BETA1)
        torch._foreach_mul_(second, BETA2)
        torch._foreach_addcmul_(second, list(grads), list(grads), 1 - BETA2)
        rate = self._lr / (1 - BETA1**self._steps)
        root = (1 - BETA2**self._steps) ** 0.5
        for name, parameter in self._params.items():
            denominator = self._second[name].sqrt().div_(root).add_(_along(self._eps, parameter))
            parameter.sub_(_along(rate, parameter) * self._first[name] / denominator)

    def moments(self, name: str) -> tuple[Tensor, Tensor]:
        return self._first[name], self._second[name]

    def restore(self, moments: Mapping[str, tuple[Tensor, Tensor]], steps: int) -> None:
        self._steps = steps
        for name, (first, second) in moments.items():
            self._first[name] = first.clone()
            self._second[name] = second.clone()


def _along(values: Tensor, parameter: Tensor) -> Tensor:
    """Per-member values, shaped to broadcast over a stacked parameter."""
    return values.to(parameter.dtype).reshape(-1, *[1] * (parameter.ndim - 1))
