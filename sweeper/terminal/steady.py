"""Output that outlives the terminal or the program that reads it."""

from __future__ import annotations

import errno
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["outlive_reader", "outlive_terminal"]


class _SteadyFile(io.FileIO):
    """A file descriptor to which writing does not fail with one of the errors `ignored`."""

    def __init__(self, descriptor: int, ignored: tuple[int, ...]) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self._ignored = ignored

    def write(self, content: Any) -> int:
        try:
            return super().write(content)
        except OSError as error:
            if error.errno not in self._ignored:
                raise
            return memoryview(content).nbytes


def outlive_terminal() -> None:
    """Drop what is written to stdout and stderr after their terminal was closed (EIO)."""
    sys.stdout, sys.stderr = (_steady(one, errno.EIO) for one in (sys.stdout, sys.stderr))


@contextmanager
def outlive_reader() -> Iterator[None]:
    """Drop during the block what nobody reads, also if the reader of a pipe has ended (EPIPE)."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (_steady(one, errno.EIO, errno.EPIPE) for one in before)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        sys.stdout, sys.stderr = before


def _steady(stream: Any, *ignored: int) -> Any:
    """The stream on a `_SteadyFile`; one that a test or a notebook has put there stays."""
    if type(stream) is not io.TextIOWrapper:
        return stream
    try:
        number = stream.fileno()
    except io.UnsupportedOperation:  # text that is kept in memory
        return stream
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(_SteadyFile(number, ignored)),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
