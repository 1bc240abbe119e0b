"""Tell errors for want of memory from others, whichever library raises them."""

from __future__ import annotations

import torch

__all__ = ["out_of_memory"]

WORDS = (  # in a RuntimeError: of torch's allocator on the CPU, and of CUDA and its libraries
    "can't allocate memory",
    "CUDA out of memory",
    "CUDA error: out of memory",
    "cudaErrorMemoryAllocation",
    "ALLOC_FAILED",  # cuBLAS, and cuDNN before version 9
    "ALLOCATION_FAILED",  # cuDNN
    "CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate",  # no room for its workspace
)


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
