"""The signals that end a sweep: Ctrl-C, SIGTERM, and SIGHUP of a terminal that was closed."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from sweeper.errors import Interrupted

__all__ = ["leave_on_signal", "stop_on_signal"]


@contextmanager
def stop_on_signal(stop: Callable[[int], None]) -> Iterator[Callable[[], None]]:
    """Call `stop` at the first of the signals; Ctrl-C after that raises `Interrupted`.

    SIGTERM and SIGHUP may come twice from one cause (`timeout`, a shell whose terminal is closed),
    so that repeating them changes nothing.

    Yields a function that installs the handlers again, for use after starting a library that
    replaces them. Handlers can only be installed in the main thread; in others this does nothing.
    """
    seen: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        seen.append(number)
        if len(seen) == 1:
            stop(number)
        elif number == signal.SIGINT:
            raise Interrupted(number=number)

    with _handling(handle) as take:
        yield take


@contextmanager
def leave_on_signal() -> Iterator[None]:
    """Raise `Interrupted` at each of the signals."""

    def handle(number: int, frame: FrameType | None) -> None:
        raise Interrupted(number=number)

    with _handling(handle):
        yield


@contextmanager
def _handling(handle: Callable[[int, FrameType | None], None]) -> Iterator[Callable[[], None]]:
    """Install a handler for the signals during the block; `nohup` keeps SIGHUP ignored."""
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)

    def take() -> None:
        for number in numbers:
            signal.signal(number, handle)

    before = {number: signal.getsignal(number) for number in numbers}
    take()
    try:
        yield take
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
