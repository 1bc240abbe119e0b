"""Save the checkpoints of a pack: on a GPU in another thread, while it trains on."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

__all__ = ["Saves", "saves_beside"]


class Saves:
    """Does the writing of checkpoints in its order, and hands out what came of each.

    A writer of its own thread is worth its memory where another device trains: the copies of all
    members lie in main memory until they are written. Leaving the block waits for the last one.

    Parameters
    ----------
    beside : whether to write in a thread of its own; else each is written at once.
    """

    def __init__(self, beside: bool) -> None:
        self._thread = ThreadPoolExecutor(1, "checkpoints") if beside else None
        self._begun: list[tuple[int, Future[None]]] = []

    def __enter__(self) -> Saves:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._thread:
            self._thread.shutdown()

    @property
    def busy(self) -> bool:
        """Whether something is not written yet."""
        return not all(future.done() for _, future in self._begun)

    def begin(self, member: int, write: Callable[[], None]) -> None:
        """Write the checkpoint of a member, after all that were begun before."""
        self._begun.append((member, self._thread.submit(write) if self._thread else done(write)))

    def end(self) -> list[tuple[int, BaseException | None]]:
        """Wait for all that were begun: the members, with the error of those not written."""
        begun, self._begun = self._begun, []
        return [(member, future.exception()) for member, future in begun]


def saves_beside(device: str) -> bool:
    """Whether checkpoints of a pack on a device are written beside its training."""
    return device != "cpu"


def done(write: Callable[[], None]) -> Future[None]:
    """What came of a call that is made at once."""
    future: Future[None] = Future()
    try:
        write()
    except Exception as error:  # noqa: BLE001 - handed out by `end`
        future.set_exception(error)
    else:
        future.set_result(None)
    return future
