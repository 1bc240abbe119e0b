"""Ctrl-C: once to stop after the current epoch, twice to exit at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["stop_on_signal"]

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_on_signal(stop: Callable[[], None]) -> Iterator[Callable[[], None]]:
    """Call `stop` at the first SIGINT or SIGTERM; a second one raises `KeyboardInterrupt`.

    Yields a function that installs the handlers again, for use after starting a library that
    replaces them. Handlers can only be installed in the main thread; in others this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    seen: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        seen.append(number)
        if len(seen) > 1:
            raise KeyboardInterrupt
        stop()

    def take() -> None:
        for number in SIGNALS:
            signal.signal(number, handle)

    before = {number: signal.getsignal(number) for number in SIGNALS}
    take()
    try:
        yield take
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
