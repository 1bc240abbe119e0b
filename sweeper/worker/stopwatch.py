"""What each trial of a pack takes, without the time of other processes."""

from __future__ import annotations

import time
from collections.abc import Callable

from sweeper.messages import Spent

__all__ = ["Stopwatch", "clock_of"]


class Stopwatch:
    """Measures a pack: its preparation, its epochs, and then the end of each trial.

    The members share what is done for all of them equally. The first epoch, in which a step is
    traced, counts as an epoch of mean length and a rest.

    Parameters
    ----------
    members : trials of the pack. now : the time in seconds, by `clock_of` the device.
    """

    def __init__(self, members: int, now: Callable[[], float]) -> None:
        self._members, self._now = members, now
        self._epochs = 0
        self._begun = self._prepared = self._first = self._last = self._ended = now()

    def end_preparation(self) -> None:
        """What comes next is the first epoch."""
        self._prepared = self._now()

    def end_epoch(self) -> None:
        """An epoch has ended, with its tests and its checkpoint."""
        self._last, self._epochs = self._now(), self._epochs + 1
        if self._epochs == 1:
            self._first = self._last

    def end_training(self) -> None:
        """What comes next is done for one trial after the other."""
        self._ended = self._now()
        self._shared = self._ended - self._begun

    def end_trial(self) -> Spent | None:
        """What a trial took, which has ended now; None if no epoch of it was trained."""
        if not self._epochs:
            return None
        before, self._ended = self._ended, self._now()
        epoch = self._last - self._prepared
        if self._epochs > 1:
            epoch = (self._last - self._first) / (self._epochs - 1)
        rest = max(0.0, self._shared - self._epochs * epoch)
        return Spent(epoch / self._members, rest / self._members + self._ended - before)


def clock_of(device: str) -> Callable[[], float]:
    """The processor time of this thread, in which a CPU trains; for a GPU, by the clock."""
    return time.thread_time if device == "cpu" else time.perf_counter
