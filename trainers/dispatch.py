"""A mode that sees every operator that torch calls in a block, without its compiler."""

from __future__ import annotations

from torch.utils._python_dispatch import TorchDispatchMode

__all__ = ["DispatchMode"]


class DispatchMode(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """`TorchDispatchMode`, whose subclasses define `__torch_dispatch__`."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """False: torch would import its compiler, to tell it to keep away from this mode."""
        return False
