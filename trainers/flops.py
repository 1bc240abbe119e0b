"""Floating-point operations of a network, counted without carrying them out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from trainers.dispatch import DispatchMode
from trainers.trial import Trial

__all__ = ["example_flops", "flops"]


def example_flops(trial: Trial) -> float:
    """The operations of one forward pass of one example, with all its corruptions and latents."""
    k, m = (getattr(trial.objective, name, 1) for name in ("k", "m"))
    repeats = {"encoder": m, "energy": 1, "decoder": k * m}
    dims = math.prod(trial.data.shape)
    total = 0.0
    with torch.device("meta"):
        modules = trial.build_modules()
    for name, count in repeats.items():
        width = dims if name != "decoder" else int(getattr(trial.network, "d_z", dims))
        if name in modules:
            total += count * flops(modules[name], torch.zeros(2, width)) / 2
    return total


def flops(module: nn.Module, x: Tensor) -> int:
    """The operations of one call; each tensor of the module is one number, seen many times."""
    tensors = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    thin = {name: torch.zeros((), dtype=t.dtype).expand(t.shape) for name, t in tensors.items()}
    with torch.no_grad(), _Counter() as counter:
        functional_call(module, thin, (x,))
    return int(counter.total)


class _Counter(DispatchMode):
    """Counts the multiplications and additions of the products of matrices within the block.

    A matrix product or convolution is not carried out: its shape is enough. torch's own
    `FlopCounterMode` and its meta tensors give the same number, and take a second to import.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.total = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func is torch.ops.aten.convolution.default:
            x, weight, transposed = args[0], args[1], args[6]
            if not transposed:
                return self._product(_convolved(x, weight, *args[3:6]), weight[0].numel(), x)
            self.total += 2 * x.numel() * weight[0].numel()
        if func in MATRIX_PRODUCTS:
            left, right = args[-2:]
            return self._product((*left.shape[:-1], right.shape[-1]), left.shape[-1], left)
        return func(*args, **(kwargs or {}))

    def _product(self, shape: Sequence[int], summed: int, like: Tensor) -> Tensor:
        """Zeros of the product's shape; each element is a sum of `summed` terms."""
        self.total += 2 * math.prod(shape) * summed
        return like.new_zeros(shape)


MATRIX_PRODUCTS = {
    torch.ops.aten.mm.default,
    torch.ops.aten.addmm.default,
    torch.ops.aten.bmm.default,
    torch.ops.aten.baddbmm.default,
}


def _convolved(
    x: Tensor, weight: Tensor, stride: list[int], padding: list[int], dilation: list[int]
) -> tuple[int, ...]:
    """The shape of a convolution's result."""
    sides = zip(x.shape[2:], weight.shape[2:], stride, padding, dilation, strict=True)
    return (
        x.shape[0],
        weight.shape[0],
        *((side + 2 * p - d * (kernel - 1) - 1) // s + 1 for side, kernel, s, p, d in sides),
    )
