"""Functions by which commands print: text for people, JSON for scripts, errors for both."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = [
    "busy",
    "console",
    "print_bullets",
    "print_error",
    "print_json",
    "print_table",
    "progress",
    "whole_width",
]

WIDEST = 10_000  # columns


def console(stderr: bool = False) -> Console:
    """A console for stdout, or for stderr where stdout belongs to JSON."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False)


def busy(what: str) -> AbstractContextManager[None]:
    """A context in which a terminal shows what is being done; other output gets nothing of it."""
    from sweeper.terminal.waiting_bar import spinning

    return spinning(console(stderr=True), what)


def progress(what: str, total: int) -> AbstractContextManager[Callable[[], None]]:
    """A context in which a terminal shows how much is done; it gives what each step calls."""
    from sweeper.terminal.waiting_bar import counted

    return counted(console(stderr=True), what, total)


def print_bullets(screen: Console, sentences: Iterable[str]) -> None:
    """Sentences as a list, at most 100 columns wide."""
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 1, 0, 1))
    for sentence in sentences:
        grid.add_row("•", Text(sentence))
    screen.print(grid, width=min(screen.width, 100))


def whole_width(screen: Console, table: Table) -> int:
    """The columns that a table takes of which nothing is cut or folded."""
    from rich.measure import Measurement

    return Measurement.get(screen, screen.options.update(max_width=WIDEST), table).maximum


def print_table(screen: Console, table: Table) -> None:
    """Within the width of a terminal; in a file, where a script may read it, a row a line."""
    if not screen.is_terminal:
        screen.width = max(screen.width, whole_width(screen, table))
    screen.print(table)


def print_json(value: Mapping[str, Any]) -> None:
    """Write one JSON object on one line; NaN and infinity become null.

    Where stdout may lack a character, those that are not ASCII are escaped: no value is changed.
    """
    narrow = not (sys.stdout.encoding or "utf-8").lower().startswith("utf")
    sys.stdout.write(json.dumps(_plain(value), ensure_ascii=narrow, default=str) + "\n")
    sys.stdout.flush()


def print_error(message: str) -> None:
    """Print a message to stderr, with brackets taken literally."""
    from rich.text import Text

    console(stderr=True).print(Text.assemble(("error: ", "bold red"), message), soft_wrap=True)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
