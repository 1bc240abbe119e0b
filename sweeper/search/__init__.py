"""How the points of a grid are proposed: one method a file, registered by name."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from trainers.fields import describe_fields
from trainers.registry import Registry

__all__ = ["SEARCHES", "Goal", "Search", "describe"]

Goal = tuple[str, Literal["min", "max"]]


@runtime_checkable
class Search(Protocol):
    """A method of drawing; its fields are what a grid says beside ``method``.

    `trials` is how many points it draws in all; every drawn point is trained with every seed.
    `ahead` says that all of them are drawn before the first is trained; if not, each depends on
    what was found before it. `goals` are the metrics that a search looks at while it runs.
    """

    name: ClassVar[str]
    ahead: ClassVar[bool]

    @property
    def goals(self) -> tuple[Goal, ...]:
        """Each metric, and whether little or much of it is good; none for a plain search."""
        ...

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


def describe(search: Search, but: str = "") -> dict[str, Any]:
    """The search as a grid says it, in plain values; `but` leaves a field out."""
    values = {field.name: getattr(search, field.name) for field in describe_fields(type(search))
              if field.name != but}
    plain = {name: list(value) if isinstance(value, tuple) else value
             for name, value in values.items()}
    return {"method": search.name, **plain}
