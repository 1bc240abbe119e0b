"""Copies of tensors in main memory, wherever they are."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

__all__ = ["copied_at_once", "host_copies"]


def host_copies(values: Mapping[str, Tensor], device: torch.device) -> dict[str, Tensor]:
    """A copy of each tensor of a device on the CPU, of its own memory.

    From a GPU they are copied together, into pages that stay where they are (pinned): it writes
    there itself, and is waited for once.
    """
    from_gpu = device.type == "cuda"
    copies = {name: pinned(value) if from_gpu else empty(value) for name, value in values.items()}
    for name, value in values.items():
        copies[name].copy_(value.detach(), non_blocking=from_gpu)
    if from_gpu:
        await_copies(device)
    return copies


def copied_at_once(device: torch.device) -> bool:
    """Whether to copy all members of a pack together; on a CPU that only needs more memory."""
    return device.type == "cuda"


def empty(value: Tensor) -> Tensor:
    return torch.empty(value.shape, dtype=value.dtype)


def pinned(value: Tensor) -> Tensor:
    return torch.empty(value.shape, dtype=value.dtype, pin_memory=True)


def await_copies(device: torch.device) -> None:
    torch.cuda.current_stream(device).synchronize()
