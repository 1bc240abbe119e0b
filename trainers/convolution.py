"""Ways to compute the convolutions of a pack; which is fastest depends on the GPU."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map

from trainers.trial import Trial

__all__ = ["Way", "one_by_one", "ways", "with_products"]

# One grouped convolution for all members, as `vmap` makes it; one batched product of patches and
# weights; the members one after the other.
Way = Literal["grouped", "bmm", "branches"]


def ways(trial: Trial) -> Sequence[Way]:
    """The ways that a pack of such trials may be computed in; the first needs no choice."""
    with torch.device("meta"):
        parts = trial.build_modules().modules()
    return get_args(Way) if any(isinstance(part, nn.Conv2d) for part in parts) else ("grouped",)


def with_products(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with convolutions of `nn.Conv2d` as products, which `vmap` makes batched."""

    def called(*args: Any) -> Any:
        with _Products():
            return function(*args)

    return called


class _Products(TorchFunctionMode):
    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        return (product if func is torch.conv2d else func)(*args, **kwargs or {})


def product(
    x: Tensor, weight: Tensor, bias: Tensor | None, stride: tuple[int, ...], *more: Any
) -> Tensor:
    """What `torch.conv2d` gives with these arguments; of groups that itself."""
    padding, dilation, groups = more
    if groups != 1 or isinstance(padding, str):
        return torch.conv2d(x, weight, bias, stride, *more)
    sides = [
        (side + 2 * p - d * (kernel - 1) - 1) // step + 1
        for side, p, d, kernel, step in zip(
            x.shape[2:], padding, dilation, weight.shape[2:], stride, strict=True
        )
    ]
    patches = nn.functional.unfold(x, weight.shape[2:], dilation, padding, stride)
    found = weight.flatten(1) @ patches.transpose(0, 1).flatten(1)
    images = found.reshape(-1, len(x), *sides).transpose(0, 1)
    return images if bias is None else images + bias[:, None, None]


def one_by_one(member: Callable[..., Any], shared: bool) -> Callable[..., Any]:
    """The function of a member for all, without `vmap`: called for each, its results stacked.

    shared : whether the third argument, the batch, is the same for all.
    """

    def own(values: Any, place: int) -> Any:
        return tree_map(lambda value: value[place], values)

    def all_members(params: Any, hyper: Any, x: Tensor, noise: Any) -> Any:
        found = [
            member(
                own(params, place), own(hyper, place), x if shared else x[place], own(noise, place)
            )
            for place in range(len(next(iter(params.values()))))
        ]
        return tree_map(lambda *values: torch.stack(values), *found)

    return all_members
