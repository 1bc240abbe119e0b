"""Axes of a grid: a value, a list of values, or evenly spaced ones."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sweeper.errors import Address
from sweeper.grid.complaints import show, unknown_key
from sweeper.grid.document import Document

__all__ = ["DIGITS", "Axis", "axis", "round_value"]

DIGITS = 12


@dataclass(frozen=True)
class Axis:
    """The values of one field; `count` is known before they are made, as it may be too large.

    `spread` returns the address in the grid and the value of the i-th of `count` values.
    """

    address: Address
    count: int
    spread: Callable[[int], tuple[Address, Any]]

    def values(self) -> list[tuple[Address, Any]]:
        return [self.spread(position) for position in range(self.count)]


def axis(document: Document, address: Address, raw: Any, is_list: bool = False) -> Axis:
    """Read an axis; with `is_list` one value is itself a list, as ``channels: [32, 64]``."""
    if isinstance(raw, dict):
        return _spaced(document, address, raw)
    if not isinstance(raw, list) or (is_list and not any(isinstance(v, list) for v in raw)):
        return Axis(address, 1, lambda _: (address, raw))
    if not raw:
        raise document.error("an axis needs at least one value, and this list is empty", address)
    return Axis(address, len(raw), lambda i: ((*address, i), raw[i]))


def round_value(value: Any) -> Any:
    """Round floats to 12 significant digits, so that 0.1 * 3 and 0.3 are the same value."""
    if isinstance(value, list):
        return [round_value(item) for item in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def _spaced(document: Document, address: Address, raw: dict[str, Any]) -> Axis:
    kinds = {"linspace": _linear, "logspace": _geometric}
    if len(raw) != 1 or not set(raw) <= set(kinds):
        wrong = next((key for key in raw if key not in kinds), None)
        raise document.error(
            unknown_key(wrong, kinds)
            if wrong
            else "write one of `linspace: [first, last, count]` and `logspace: "
            "[first, last, count]`",
            address,
        )
    kind = next(iter(raw))
    where = (*address, kind)
    first, last, count = _ends(document, where, raw[kind])
    if kind == "logspace" and first * last <= 0:
        raise document.error(
            "logspace needs two ends of one sign, neither of them zero, and they "
            f"are {first:g} and {last:g}",
            where,
        )
    return Axis(address, count, lambda i: (where, kinds[kind](first, last, i, count)))


def _ends(document: Document, address: Address, raw: Any) -> tuple[float, float, int]:
    if not isinstance(raw, list) or len(raw) != 3 or not all(_is_number(item) for item in raw):
        raise document.error(f"must be [first, last, count], not {show(raw)}", address)
    first, last, count = raw
    if int(count) != count or count < 1:
        raise document.error(
            f"count must be a whole number of at least 1, not {show(count)}", address
        )
    if count == 1 and first != last:
        raise document.error("two ends need a count of at least 2, and it is 1", address)
    return float(first), float(last), int(count)


def _is_number(item: Any) -> bool:
    return isinstance(item, int | float) and not isinstance(item, bool) and math.isfinite(item)


def _linear(first: float, last: float, i: int, count: int) -> float:
    return last if i and i == count - 1 else first + (last - first) * i / max(count - 1, 1)


def _geometric(first: float, last: float, i: int, count: int) -> float:
    if i in (0, count - 1):
        return last if i else first
    return float(first * (last / first) ** (i / (count - 1)))
