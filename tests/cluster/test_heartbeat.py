"""The head's death is told from a cut link, and both from a head that is well."""

from __future__ import annotations

import errno
import re
import threading
from collections.abc import Callable

import pytest

from cluster.heartbeat import Heartbeat

REFUSED = ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
SILENT = OSError(errno.EHOSTUNREACH, "No route to host")


class Head:
    """What answers the knocks: an error, or nothing if it is well; counts them."""

    def __init__(self) -> None:
        self.error: OSError | None = None
        self._knocked = threading.Semaphore(0)

    def knock(self) -> None:
        self._knocked.release()
        if self.error:
            raise self.error

    def knocks(self, count: int) -> None:
        """Wait for so many knocks from now on."""
        while self._knocked.acquire(blocking=False):
            pass
        for _ in range(count):
            assert self._knocked.acquire(timeout=60)


@pytest.fixture
def head() -> Head:
    return Head()


def beating(head: Head, refused_s: float, silent_s: float) -> Heartbeat:
    beat = Heartbeat("a:1", head.knock, 0.001, refused_s=refused_s, silent_s=silent_s)
    beat.start()
    return beat


def wait_for(lost: Callable[[], str | None]) -> str:
    while (found := lost()) is None:
        pass
    return found


def test_a_head_that_refuses_is_lost_and_found_again(head: Head) -> None:
    beat = beating(head, 0.0, 1e9)
    head.knocks(3)
    assert beat.lost() is None
    head.error = REFUSED
    said = r"its head a:1 has not answered for \d+ s: Connection refused"
    assert re.fullmatch(said, wait_for(beat.lost))
    head.error = None
    head.knocks(2)
    assert beat.lost() is None
    beat.close()


def test_a_silent_head_is_waited_for_longer(head: Head) -> None:
    head.error = SILENT
    beat = beating(head, 0.0, 1e9)
    head.knocks(5)
    assert beat.lost() is None
    beat.close()
    other = beating(head, 1e9, 0.0)
    assert "No route to host" in wait_for(other.lost)
    other.close()
