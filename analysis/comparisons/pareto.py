"""The points that no other beats."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["unbeaten"]


def unbeaten(costs: Sequence[Sequence[float]]) -> list[bool]:
    """Whether no other row equals or beats a row in every column and beats it in one.

    costs [points, goals], of which less is better; equal rows do not beat each other.
    """
    return [
        not any(
            other != cost and all(a <= b for a, b in zip(other, cost, strict=True))
            for other in costs
        )
        for cost in costs
    ]
