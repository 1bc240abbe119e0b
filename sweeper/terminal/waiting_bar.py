"""What a terminal shows while something takes long: a spinner, or a bar where the amount is known.

Both stand on stderr and leave nothing behind; a file or a pipe gets nothing of them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

from rich.console import Console
from rich.file_proxy import FileProxy
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.status import Status

__all__ = ["counted", "spinning"]


@contextmanager
def spinning(console: Console, what: str) -> Iterator[None]:
    """A spinner with the bar of a library beside it, such as that of torchvision's downloads."""
    with console.status(escape(what)) as status:
        if isinstance(sys.stderr, FileProxy):  # a terminal
            sys.stderr = _BesideSpinner(console, sys.stderr.rich_proxied_file, status, what)
        yield  # the status puts the real stderr back


@contextmanager
def counted(console: Console, what: str, total: int) -> Iterator[Callable[[], None]]:
    """A bar of `total` steps; the function that it gives is called after each."""
    if not console.is_terminal:  # a bar would end with an empty line
        yield lambda: None
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(escape(what), total=total)
        yield lambda: bar.advance(task)


class _BesideSpinner(FileProxy):
    """Standard error under a spinner: a bar, which rewrites its line, becomes the spinner's text.

    Rich holds text back until its line ends, and that of a bar ends when all is done. Its last
    state is left behind as a line.
    """

    def __init__(self, console: Console, file: IO[str], status: Status, what: str) -> None:
        super().__init__(console, file)
        self._status, self._what, self._bar = status, what, ""

    def write(self, text: str) -> int:
        if "\r" in text:
            self._bar = text.rpartition("\r")[2].strip()
            self._status.update(escape(f"{self._what}  {self._bar}"))
            return len(text)
        if self._bar and text == "\n":
            text, self._bar = f"{self._bar}\n", ""
            self._status.update(escape(self._what))
        return super().write(text)
