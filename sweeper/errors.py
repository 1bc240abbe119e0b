"""The errors that commands raise for a user: what is wrong, and where; and an interruption."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

__all__ = [
    "Address",
    "BucketError",
    "Interrupted",
    "Place",
    "UserError",
    "placed",
    "render_address",
]

Address = tuple[str | int, ...]
Place = tuple[str | None, int | None, str | None]  # file, line, path


class UserError(Exception):
    """An error that the user must correct; `sweeper` prints it and ends with exit code 2.

    Parameters
    ----------
    message : the rule, the value and the remedy, in one sentence.
    file, line : file and line (from 1) of the refused value.
    path : its address in the grid, such as ``trials[0].sigma``.
    """

    def __init__(
        self,
        message: str,
        file: str | None = None,
        line: int | None = None,
        path: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.file = file
        self.line = line
        self.path = path

    def __str__(self) -> str:
        place = [f"{self.file}:{self.line}" if self.line else self.file, self.path]
        return ": ".join([part for part in place if part] + [self.message])


class BucketError(OSError):
    """A store that cannot be used; the message is one sentence for the user.

    lasting : whether the same call would fail again, so that repeating it is of no use.
    """

    def __init__(self, message: str, lasting: bool = False) -> None:
        super().__init__(message)
        self.strerror = message
        self.lasting = lasting


class Interrupted(KeyboardInterrupt):
    """A signal that ends the command with exit code 128 + `number`."""

    def __init__(self, message: str = "", number: int = signal.SIGINT) -> None:
        super().__init__(message)
        self.number = number


def render_address(address: Sequence[str | int]) -> str:
    """An address as text: ``("trials", 0, "sigma")`` gives ``trials[0].sigma``."""
    text = ""
    for step in address:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


@contextmanager
def placed(place: Place | None) -> Iterator[None]:
    """Add file, line and path to a `UserError` raised in the block, unless it has them."""
    try:
        yield
    except UserError as error:
        if place and not (error.file or error.path):
            error.file, error.line, error.path = place
        raise
