"""Spaces of a grid: the distributions from which a search draws a field's value."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sweeper.errors import Address
from sweeper.grid.axes import round_value
from sweeper.grid.complaints import show
from sweeper.grid.document import Document

__all__ = ["FORMS", "Space", "is_space", "space"]


def _uniform(ends: Sequence[Any], u: float) -> float:
    return float(ends[0] + u * (ends[1] - ends[0]))


def _loguniform(ends: Sequence[Any], u: float) -> float:
    return math.exp(_uniform([math.log(end) for end in ends], u))


def _int(ends: Sequence[Any], u: float) -> int:
    return int(min(ends[1], ends[0] + math.floor(u * (ends[1] - ends[0] + 1))))


def _choice(options: Sequence[Any], u: float) -> Any:
    return options[min(len(options) - 1, math.floor(u * len(options)))]


KINDS: dict[str, Callable[[Sequence[Any], float], Any]] = {
    "uniform": _uniform,
    "loguniform": _loguniform,
    "int": _int,
    "choice": _choice,
}
FORMS = (
    "{uniform: [low, high]}, {loguniform: [low, high]}, {int: [low, high]} or "
    "{choice: [a, b, ...]}"
)


@dataclass(frozen=True)
class Space:
    """The distribution of one field's value.

    uniform: uniform in [low, high]. loguniform: uniform in log x. int: a whole number, both ends
    included. choice: one of the options. `given` holds the ends or the options.
    """

    address: Address
    kind: str
    given: tuple[Any, ...]

    def at(self, u: float) -> Any:
        """The value at a coordinate in [0, 1), rounded as all values of a grid are."""
        return round_value(KINDS[self.kind](self.given, u))

    @property
    def distinct(self) -> float:
        """The number of different values."""
        if self.kind == "choice":
            return len(self.given)
        return self.given[1] - self.given[0] + 1 if self.kind == "int" else math.inf


def is_space(raw: Any) -> bool:
    """Whether a value of the grid describes a space."""
    return isinstance(raw, dict) and any(key in KINDS for key in raw)


def space(document: Document, address: Address, raw: dict[str, Any]) -> Space:
    """Read a space; raises `UserError` if it is not valid."""
    if len(raw) != 1:
        raise document.error(f"write one of {FORMS}", address)
    kind, given = next(iter(raw.items()))
    where = (*address, kind)
    if kind == "choice":
        _check_options(document, where, given)
    else:
        _check_ends(document, where, kind, given)
    return Space(where, kind, tuple(given))


def _check_options(document: Document, where: Address, given: Any) -> None:
    if not isinstance(given, list) or len(given) < 2:
        raise document.error(f"must be a list of at least two values, not {show(given)}", where)
    for position, option in enumerate(given):
        if option in given[:position]:
            raise document.error(f"the option {show(option)} appears twice", (*where, position))


def _check_ends(document: Document, where: Address, kind: str, given: Any) -> None:
    whole = kind == "int"
    good = (
        isinstance(given, list)
        and len(given) == 2
        and all(
            isinstance(end, int if whole else int | float)
            and not isinstance(end, bool)
            and math.isfinite(end)
            for end in given
        )
    )
    if not good:
        ends = "[low, high], two whole numbers" if whole else "[low, high]"
        raise document.error(f"must be {ends}, not {show(given)}", where)
    if not given[0] < given[1]:
        raise document.error(f"low must be less than high, and they are {show(given)}", where)
    if kind == "loguniform" and given[0] <= 0:
        raise document.error(f"loguniform needs ends above 0, and they are {show(given)}", where)
