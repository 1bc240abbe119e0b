"""How a GPU rounds, and whether it always adds in the same order: settings for a block of code."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

from trainers.threads import one_thread
from trainers.trial import Training

__all__ = ["arithmetic_of", "gpu_arithmetic"]

WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"


@contextmanager
def arithmetic_of(training: Training, device: torch.device) -> Iterator[None]:
    """All that decides how a device rounds: one thread on a CPU, a trial's settings on a GPU."""
    with one_thread(device), gpu_arithmetic(training, device):
        yield


@contextmanager
def gpu_arithmetic(training: Training, device: torch.device) -> Iterator[None]:
    """torch's settings of products, convolutions and determinism, as a trial asks for them.

    They are put back afterwards. On a CPU nothing is set, as nothing there depends on them.
    """
    with ExitStack() as undo:
        if device.type == "cuda":
            if training.fp32_precision != "torch":
                cudnn: Any = torch.backends.cudnn
                for part in (torch.backends.cuda.matmul, cudnn.conv, cudnn.rnn):
                    undo.enter_context(_set(part, "fp32_precision", training.fp32_precision))
            if training.deterministic:
                undo.enter_context(_deterministic())
        yield


@contextmanager
def _deterministic() -> Iterator[None]:
    """Kernels that give the same bits each time; raises where an operator has none."""
    os.environ.setdefault(WORKSPACE, ":4096:8")  # cuBLAS reads it when it is first used
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        with _set(torch.backends.cudnn, "benchmark", False):
            yield
    finally:
        torch.use_deterministic_algorithms(before)


@contextmanager
def _set(owner: Any, name: str, value: object) -> Iterator[None]:
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)
