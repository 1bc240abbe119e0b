"""All mistakes of a grid at once: errors that do not depend on each other are collected."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from sweeper.errors import UserError

__all__ = ["Collector", "SeveralMistakes"]

SHOWN = 30
Checked = TypeVar("Checked")


class SeveralMistakes(UserError):
    """Several errors of one grid, in the order of its lines.

    File, line and path are those of the first.
    """

    def __init__(self, errors: Sequence[UserError]) -> None:
        first = errors[0]
        lines = [f"  {error}" for error in errors[:SHOWN]]
        more = [f"  and {len(errors) - SHOWN} more"] if len(errors) > SHOWN else []
        message = "\n".join([f"{len(errors)} mistakes in the grid:", *lines, *more])
        super().__init__(message, first.file, first.line, first.path)
        self.errors = tuple(errors)

    def __str__(self) -> str:
        return self.message


class Collector:
    """Collects the errors of the blocks `independent` during `collect`.

    At other times every error is raised where it occurs. `failures` counts the errors, also
    those that were collected before: a bad default fails in every block.
    """

    def __init__(self) -> None:
        self.failures = 0
        self._open = False
        self._found: dict[tuple[object, ...], UserError] = {}

    def collect(self, check: Callable[[], Checked]) -> Checked:
        """What `check` returns; raises one error as it is, or `SeveralMistakes`."""
        self.failures, self._open, self._found = 0, True, {}
        try:
            with self.independent():
                checked = check()
        finally:
            self._open = False
        errors = sorted(self._found.values(), key=lambda error: error.line or 0)
        if errors:
            raise errors[0] if len(errors) == 1 else SeveralMistakes(errors)
        return checked

    @contextmanager
    def independent(self) -> Iterator[None]:
        """Collect an error of the block, and go on: what follows does not depend on it."""
        try:
            yield
        except UserError as error:
            if not self._open:
                raise
            self.failures += 1
            self._found.setdefault(_key(error), error)

    def stop(self) -> None:
        """End the checks if there was an error: what follows would depend on it."""
        if self._found:
            raise next(iter(self._found.values()))


def _key(error: UserError) -> tuple[object, ...]:
    """What makes two errors one: the value; for a block, which may lack several, the message."""
    whole = error.path is None or re.fullmatch(r"trials\[\d+\]", error.path)
    return (error.file, error.line, error.path, *((error.message,) if whole else ()))
