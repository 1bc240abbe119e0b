"""Adam for one member, or for a whole pack with a rate and an ε for each member."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

__all__ = ["Adam"]

BETA1, BETA2 = 0.9, 0.999


class Adam:
    """Adam (Kingma and Ba 2015) at a constant rate: θ ← θ − lr · m̂ / (√v̂ + ε), in place.

    One call of torch's fused operator for each member, on the member's contiguous slices of the
    stacked tensors: so a member of a pack is updated to the last bit as it is alone, and a step
    reads or writes 28 bytes of each float32 parameter (θ, m and v twice, the gradient once).

    The operator is called itself, as `torch.optim` would import the compiler at its first use,
    which costs every worker seconds. It walks through memory and does not look at strides, so
    gradients of another layout than their parameters (convolutions differentiated twice have
    them) are copied first.

    Parameters
    ----------
    params : by name; all with a leading pack axis where `lr` and `eps` have one, of shape (P,).
    lr, eps : the rate, and ε in units of the gradient.
    """

    def __init__(self, params: Mapping[str, Tensor], lr: Tensor, eps: Tensor) -> None:
        self._packed = lr.ndim > 0
        self._numbers = list(zip(lr.reshape(-1).tolist(), eps.reshape(-1).tolist(), strict=True))
        self._params = {name: value.detach() for name, value in params.items()}
        self._first = {name: torch.zeros_like(p) for name, p in self._params.items()}
        self._second = {name: torch.zeros_like(p) for name, p in self._params.items()}
        self._count = torch.zeros((), device=next(iter(self._params.values())).device)
        self._members = list(
            zip(
                *(
                    self._slices(list(stack.values()))
                    for stack in (self._params, self._first, self._second)
                ),
                strict=True,
            )
        )

    @torch.no_grad()
    def step(self, grads: Sequence[Tensor]) -> None:
        """Update the parameters from their gradients, in the same order."""
        self._count += 1
        slices = self._slices([grad.contiguous() for grad in grads])
        for (lr, eps), own, (params, first, second) in zip(
            self._numbers, slices, self._members, strict=True
        ):
            torch._fused_adam_(
                params,
                own,
                first,
                second,
                [],
                [self._count] * len(params),
                lr=lr,
                beta1=BETA1,
                beta2=BETA2,
                weight_decay=0.0,
                eps=eps,
                amsgrad=False,
                maximize=False,
            )

    def moments(self, name: str) -> tuple[Tensor, Tensor]:
        """First and second moment of a parameter; the pack axis leads where there is one."""
        return self._first[name], self._second[name]

    def restore(self, moments: Mapping[str, tuple[Tensor, Tensor]], steps: int) -> None:
        """Take over the moments of every parameter after `steps` steps."""
        self._count.fill_(steps)
        for name, (first, second) in moments.items():
            self._first[name].copy_(first)
            self._second[name].copy_(second)

    def _slices(self, values: Sequence[Tensor]) -> list[list[Tensor]]:
        """The tensors of each member."""
        if not self._packed:
            return [list(values)]
        return [list(own) for own in zip(*(value.unbind() for value in values), strict=True)]
