"""Ctrl-C: the first asks for an orderly end, the second leaves."""

from __future__ import annotations

import signal
import threading

import pytest

from sweeper.driver.interrupt import stop_on_signal


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_and_the_second_leaves(number: signal.Signals) -> None:
    asked: list[bool] = []
    before = signal.getsignal(number)
    with stop_on_signal(lambda: asked.append(True)):
        signal.raise_signal(number)
        assert asked == [True]
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    assert asked == [True]
    assert signal.getsignal(number) is before


def test_other_threads_are_not_asked() -> None:
    done: list[bool] = []

    def work() -> None:
        with stop_on_signal(lambda: None):
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]
