"""How the points of a grid are proposed: one method a file, registered by name."""

from __future__ import annotations

from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from trainers.registry import Registry

__all__ = ["SEARCHES", "Search"]


@runtime_checkable
class Search(Protocol):
    """A method of drawing; its fields are what a grid says beside ``method``.

    `trials` is how many points it draws in all; every drawn point is trained with every seed.
    """

    name: ClassVar[str]

    @property
    def trials(self) -> int:
        """How many points are drawn; 0 for a method that draws none."""
        ...

    def unit(self, stream: int, dims: int, count: int) -> npt.NDArray[np.float64]:
        """The first `count` points of a stream in the unit cube [0, 1)^dims: [count, dims].

        More points of the same stream begin with the same ones, so that a larger search goes on
        with a smaller one.
        """
        ...


SEARCHES: Registry[Search] = Registry("search method", "sweeper.search")
