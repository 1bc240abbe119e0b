"""Notice that the head of a cluster is gone before Ray does, which ends the process after 60 s."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

__all__ = ["Heartbeat"]


class Heartbeat:
    """Knocks at an address again and again, in a thread, until `close`.

    Parameters
    ----------
    head : its address. knock : raises `OSError` if nobody opens. every : seconds between knocks.
    refused_s : for how long the head may refuse, as its process is restarted or has died.
    silent_s : for how long it may be unreachable, as a link is cut or its host has died.
    """

    def __init__(
        self,
        head: str,
        knock: Callable[[], None],
        every: float = 2.0,
        refused_s: float = 10.0,
        silent_s: float = 45.0,
    ) -> None:
        self._head, self._knock, self._every = head, knock, every
        self._refused_s, self._silent_s = refused_s, silent_s
        self._ended = threading.Event()
        self._lost: str | None = None
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Begin to knock."""
        self._thread.start()

    def lost(self) -> str | None:
        """That the head is gone, and for how long, or None."""
        return self._lost

    def close(self) -> None:
        """Knock no more."""
        self._ended.set()

    def _beat(self) -> None:
        heard = time.monotonic()
        while not self._ended.wait(self._every):
            try:
                self._knock()
            except OSError as error:
                silent = time.monotonic() - heard
                refused = isinstance(error, ConnectionRefusedError)
                if silent >= (self._refused_s if refused else self._silent_s):
                    why = error.strerror or str(error)
                    self._lost = (
                        f"its head {self._head} has not answered for {silent:.0f} s: {why}"
                    )
            else:
                heard, self._lost = time.monotonic(), None
