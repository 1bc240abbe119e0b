"""Distribute a search's points over the blocks that have spaces, and draw them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from sweeper.grid.blocks import Variant
from sweeper.grid.complaints import nearest, show, unknown_key
from sweeper.grid.document import Document
from sweeper.grid.fieldtypes import check_value
from sweeper.grid.searches import SEARCHES
from sweeper.grid.spaces import FORMS, Space
from sweeper.sweep import Search
from trainers.errors import InvalidValue
from trainers.fields import describe_fields

__all__ = ["draw", "read_search", "shares"]

TRIES = 64


def read_search(document: Document, raw: Mapping[str, Any]) -> Search:
    """Read the `search` of a grid: a method and its fields."""
    name = raw.get("method", "grid")
    if not isinstance(name, str) or name not in SEARCHES:
        hint = nearest(name, SEARCHES) if isinstance(name, str) else ""
        raise document.error(
            f"unknown search method {show(name)}{hint} (known: {', '.join(SEARCHES)})",
            ("search", "method"),
        )
    fields = {field.name: field for field in describe_fields(SEARCHES[name])}
    mistakes, values = document.mistakes, {}
    failures = mistakes.failures
    for key, value in raw.items():
        with mistakes.independent():
            if key not in ("method", *fields):
                raise document.error(unknown_key(key, {"method", *fields}), ("search", key))
            if key != "method":
                values[key] = check_value(document, ("search", key), fields[key], value)
    for field in fields.values():
        if field.required and field.name not in raw and mistakes.failures == failures:
            raise document.error(f"the search method {name} needs `{field.name}`", ("search",))
    if mistakes.failures > failures:
        mistakes.stop()
    try:
        return SEARCHES.build({"name": name, **values})
    except InvalidValue as error:
        raise document.error(str(error), ("search",)) from error


def shares(document: Document, search: Search, variants: Sequence[Variant]) -> list[int]:
    """The number of points of each variant: equal shares of the draws, 1 without spaces.

    A block with several models or networks has a variant for each of them.
    """
    spaced = [variant for variant in variants if variant.spaces]
    if not search.trials and spaced:
        _, first = spaced[0].spaces[0]
        remedy = (
            f"add `trials: 32` to `search`, for {search.name}"
            if search.goals
            else "add `search: {method: random, trials: 32}`"
        )
        raise document.error(
            f"values are drawn by a search only: {remedy}, or write a list, linspace or logspace",
            first.address,
        )
    if search.trials and not spaced:
        raise document.error(
            f"{search.name} draws from spaces, and no block has one: write {FORMS} for a field",
            ("search",),
        )
    if search.trials < len(spaced):
        raise document.error(
            f"must be at least {len(spaced)}, one for each model and network "
            f"with a space, not {search.trials}",
            ("search", "trials"),
        )
    streams = {id(variant): stream for stream, variant in enumerate(spaced)}
    return [
        -((streams[id(variant)] - search.trials) // len(spaced)) if variant.spaces else 1
        for variant in variants
    ]


def draw(
    document: Document, search: Search, variant: Variant, stream: int, count: int
) -> list[tuple[Any, ...]]:
    """`count` different choices of values for the variant's spaces, fixed by the search's seed.

    Empty for a search that does not draw ahead.
    """
    if not search.ahead:
        return []
    spaces = [space for _, space in variant.spaces]
    most = math.prod(space.distinct for space in spaces)
    if count > most:
        raise document.error(
            f"this block has {most:g} different points to draw, and {count} of "
            "the search's trials fall on it",
            variant.address,
        )
    for drawn in (count, 4 * count, TRIES * count):
        rows = [_values(spaces, unit) for unit in search.unit(stream, len(spaces), drawn).tolist()]
        different = list({repr(row): row for row in rows}.values())
        if len(different) >= count:
            return different[:count]
    raise document.error(
        f"{drawn} draws gave {len(different)} different points only, and {count} "
        "of the search's trials fall on this block; write a list instead",
        variant.address,
    )


def _values(spaces: Sequence[Space], unit: Sequence[float]) -> tuple[Any, ...]:
    return tuple(space.at(u) for space, u in zip(spaces, unit, strict=True))
