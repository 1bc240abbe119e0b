"""Products of float32 matrices on a CPU, by oneDNN.

torch computes them by MKL, which uses the widest vectors on Intel's processors alone. On an AMD
EPYC with AVX-512 it reaches 107 GFLOP/s a core, and oneDNN, which torch calls for convolutions,
229.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

from trainers.dispatch import DispatchMode

__all__ = ["fast_product", "fast_products"]

ATEN = torch.ops.aten
THERE = torch._C._has_mkldnn and hasattr(torch.ops.mkldnn, "_linear_pointwise")
LEAST = 2**20  # multiplications, from which on oneDNN is faster although a call costs more


def fast_product(
    func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Callable[[], Tensor] | None:
    """What computes the same as this call of an operator by oneDNN; None to call the operator.

    Of a batch of products, a pack's, each is computed by itself.
    """
    if kwargs or not THERE:
        return None
    if func is ATEN.mm.default and suits(*args):
        return lambda: product(*args)
    if func is ATEN.addmm.default and suits(*args[1:]) and args[0].shape == args[2].shape[1:]:
        return lambda: product(args[1], args[2], args[0])
    if func is ATEN.bmm.default and suits(args[0][0], args[1][0]):
        return lambda: each(*args)
    return None


def suits(left: Tensor, right: Tensor) -> bool:
    """Whether the product of two matrices is large enough, and laid out as oneDNN takes it."""
    plain = left.dtype == right.dtype == torch.float32 and left.device.type == "cpu"
    dense = right.is_contiguous() or right.t().is_contiguous()
    return plain and dense and left.numel() * right.shape[1] > LEAST


def product(left: Tensor, right: Tensor, bias: Tensor | None = None) -> Tensor:
    """left · right, and `bias` added to each row."""
    found: Tensor = torch.ops.mkldnn._linear_pointwise(left, right.t(), bias, "none", [], "")
    return found


def each(left: Tensor, right: Tensor) -> Tensor:
    """The products of two stacks of matrices."""
    pairs = zip(left.unbind(), right.unbind(), strict=True)
    return torch.stack([product(*own) for own in pairs])


def fast_products(device: torch.device) -> AbstractContextManager[object]:
    """Compute products by `fast_product` in a block of code that is not traced."""
    return _FastProducts() if device.type == "cpu" else nullcontext()  # type: ignore[no-untyped-call]


class _FastProducts(DispatchMode):  # type: ignore[no-untyped-call]
    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        fast = fast_product(func, args, kwargs or {})
        return fast() if fast else func(*args, **kwargs or {})
