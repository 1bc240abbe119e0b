"""Keep a worker to its share of a GPU's memory."""

from __future__ import annotations

import torch

__all__ = ["keep_to_share"]


def keep_to_share(gpus: float) -> None:
    """Limit this process's memory on its GPU, as others may train on it; 0: it has no GPU.

    A pack that needs more than its share then runs out of memory itself, and is tried again with
    more, in place of the packs beside it.
    """
    if gpus and torch.cuda.is_available():
        torch.cuda.set_per_process_memory_fraction(min(1.0, gpus))
