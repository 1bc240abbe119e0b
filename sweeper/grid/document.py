"""Read YAML 1.2 into plain values, and record the line of each value."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
)

from sweeper.errors import Address, UserError, render_address
from sweeper.grid.mistakes import Collector

__all__ = ["Document", "parse", "read", "written"]

MAX_BYTES = 256 * 1024
MAX_DEPTH = 24
MAX_VALUES = 50_000

NULL = re.compile(r"~|null|Null|NULL|")
TRUE = re.compile(r"true|True|TRUE")
FALSE = re.compile(r"false|False|FALSE")
INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
INFINITE = re.compile(r"([-+]?)\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


@dataclass(frozen=True)
class Document:
    """A parsed file: its values, and the line on which each of them stands.

    `lines` maps the address of a value, such as ``("trials", 0, "sigma")``, to its line. Relative
    paths in the values are relative to `folder`. `mistakes` collects the errors of its values.
    """

    file: str
    text: str
    values: Any
    lines: Mapping[Address, int]
    folder: Path = Path()
    mistakes: Collector = field(default_factory=Collector, compare=False, repr=False)

    def line(self, address: Address) -> int | None:
        """The line of a value, or of the innermost value around it that has one."""
        while address and address not in self.lines:
            address = address[:-1]
        return self.lines.get(address)

    def value(self, address: Address) -> Any:
        """The value at an address that has a line."""
        found = self.values
        for step in address:
            found = found[step]
        return found

    def error(self, message: str, address: Address = ()) -> UserError:
        """The error to raise for the value at `address`."""
        return UserError(message, self.file, self.line(address), render_address(address) or None)


def read(path: Path, folder: Path = Path()) -> Document:
    """Parse a file; raises `UserError` if it cannot be read, is too large or is not YAML."""
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
        return replace(parse(content.decode("utf-8-sig"), str(path)), folder=folder)
    except UnicodeDecodeError as error:
        raise UserError("a grid is UTF-8 text, and this file is not", str(path)) from error
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror}", str(path)) from error


def written(grid: Mapping[str, Any], folder: Path = Path()) -> Document:
    """The document of a grid that is given as a dict; arrays and paths are written as YAML is.

    Raises `UserError` for a value that no grid can hold.
    """
    try:
        text = json.dumps(dict(grid), indent=1, ensure_ascii=False, default=_written)
    except (TypeError, ValueError) as error:
        raise UserError(f"a grid holds numbers, texts, lists and dicts: {error}") from error
    return replace(parse(text, "grid"), folder=folder)


def _written(value: Any) -> Any:
    """An array or a number of numpy, a path or a range as JSON has them."""
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, range | tuple | set):
        return list(value)
    raise TypeError(f"{value!r} is none of them")


def parse(text: str, file: str) -> Document:
    """Parse YAML text. Tags, duplicate keys, deep nesting and exploding aliases are refused."""
    if len(text.encode()) > MAX_BYTES:
        raise UserError(
            f"a grid has at most {MAX_BYTES // 1024} KiB; write axes as lists, "
            "linspace or logspace instead of one trial a line",
            file,
        )
    reader = _Reader(file)
    try:
        values = reader.document(YAML(typ="safe", pure=True).parse(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise UserError(
            f"not valid YAML: {error.problem or error.context}",
            file,
            mark.line + 1 if mark else None,
        ) from error
    except YAMLError as error:
        reason = str(error).partition("\n")[0]
        raise UserError(f"not valid YAML: {reason}", file) from error
    return Document(file, text, values, reader.lines)


@dataclass
class _Reader:
    """Builds plain values from the events of one YAML stream."""

    file: str
    lines: dict[Address, int] = field(default_factory=dict)
    anchors: dict[str, Any] = field(default_factory=dict)
    count: int = 0

    def document(self, events: Iterator[Event]) -> Any:
        values: Any = None
        starts = 0
        for event in events:
            starts += isinstance(event, DocumentStartEvent)
            if starts > 1:
                raise self._error("one document a file: remove the second `---`", event)
            if isinstance(event, NodeEvent):
                values = self._node(event, events, ())
        return values

    def _node(self, event: NodeEvent, events: Iterator[Event], address: Address) -> Any:
        self.lines.setdefault(address, event.start_mark.line + 1)
        if isinstance(event, AliasEvent):
            return self._alias(event)
        if tag := getattr(event, "tag", None):
            raise self._error(f"YAML tags ({tag}) are not allowed in a grid", event, address)
        self._spend(1, event)
        if len(address) > MAX_DEPTH:
            raise self._error(f"nested more than {MAX_DEPTH} levels deep", event)
        if isinstance(event, ScalarEvent):
            value = _scalar(event)
        elif isinstance(event, MappingStartEvent):
            value = self._mapping(events, address)
        else:
            value = [
                self._node(item, events, (*address, position))
                for position, item in enumerate(_items(events))
            ]
        if event.anchor:
            self.anchors[event.anchor] = value
        return value

    def _mapping(self, events: Iterator[Event], address: Address) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for event in _items(events):
            key = _scalar(event) if isinstance(event, ScalarEvent) else None
            if not isinstance(key, str):
                raise self._error("a key must be a name, as in `sigma: 0.1`", event, address)
            if key == "<<":
                raise self._error(
                    "merge keys (<<) are not of YAML 1.2: put what rows share into `defaults`",
                    event,
                    address,
                )
            if key in mapping:
                raise self._error(
                    f"the key {key!r} appears twice in one mapping (first on line "
                    f"{self.lines[*address, key]})",
                    event,
                    (*address, key),
                )
            self.lines[*address, key] = event.start_mark.line + 1
            value = next(events)
            assert isinstance(value, NodeEvent)
            mapping[key] = self._node(value, events, (*address, key))
        return mapping

    def _alias(self, event: AliasEvent) -> Any:
        if event.anchor not in self.anchors:
            raise self._error(f"the alias *{event.anchor} has no anchor before it", event)
        value = self.anchors[event.anchor]
        self._spend(_size(value), event)
        return value

    def _spend(self, count: int, event: Event) -> None:
        """Count values with aliases expanded, so that a small file cannot expand to a huge one."""
        self.count += count
        if self.count > MAX_VALUES:
            raise self._error(f"more than {MAX_VALUES:,} values (aliases count in full)", event)

    def _error(self, message: str, event: Event, address: Address = ()) -> UserError:
        return UserError(
            message, self.file, event.start_mark.line + 1, render_address(address) or None
        )


def _items(events: Iterator[Event]) -> Iterator[NodeEvent]:
    """The events that open the items of a collection, up to its end."""
    for event in events:
        if isinstance(event, CollectionEndEvent):
            return
        assert isinstance(event, NodeEvent)
        yield event


def _size(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + sum(map(_size, value.values()))
    return 1 + sum(map(_size, value)) if isinstance(value, list) else 1


def _scalar(event: ScalarEvent) -> Any:
    """The value of a scalar in YAML 1.2's core schema: ``1e-3`` is a number, ``no`` is text."""
    text: str = event.value
    if not event.implicit[0] or event.style:
        return text
    if NULL.fullmatch(text):
        return None
    if TRUE.fullmatch(text) or FALSE.fullmatch(text):
        return bool(TRUE.fullmatch(text))
    if INTEGER.fullmatch(text):
        return int(text)
    if NUMBER.fullmatch(text):
        return float(text)
    if match := INFINITE.fullmatch(text):
        return float(match[0].replace(".", "").lower())
    return text
