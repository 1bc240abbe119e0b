"""What a GPU has free, and which errors are a lack of memory, whichever library raises them."""

from __future__ import annotations

import torch

__all__ = ["free_memory", "out_of_memory"]

WORDS = (  # in a RuntimeError: of torch's allocator on the CPU, and of CUDA and its libraries
    "can't allocate memory",
    "CUDA out of memory",
    "CUDA error: out of memory",
    "cudaErrorMemoryAllocation",
    "ALLOC_FAILED",  # cuBLAS, and cuDNN before version 9
    "ALLOCATION_FAILED",  # cuDNN
    "CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate",  # no room for its workspace
)


def free_memory(device: torch.device | str) -> float:
    """The bytes that this process may take of a GPU beyond those that it has: of its share."""
    free, total = torch.cuda.mem_get_info(device)
    # the function takes no device without a number: None is the current one
    share = torch.cuda.get_per_process_memory_fraction(torch.device(device).index)
    return float(min(free, share * total - torch.cuda.memory_reserved(device)))


def out_of_memory(error: BaseException | None) -> bool:
    """Whether an error, or one in whose handling it was raised, is a lack of memory.

    The capture of a CUDA graph that runs out of memory ends with an error of its own.
    """
    if error is None:
        return False
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    if isinstance(error, RuntimeError) and any(words in str(error) for words in WORDS):
        return True
    earlier = None if error.__suppress_context__ else error.__context__
    return out_of_memory(error.__cause__ or earlier)
