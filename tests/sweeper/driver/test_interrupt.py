"""Signals: the first asks for an orderly end, and Ctrl-C after it leaves."""

from __future__ import annotations

import signal
import threading

import pytest

from sweeper.driver.interrupt import leave_on_signal, stop_on_signal
from sweeper.errors import Interrupted

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_asks_and_ctrl_c_then_leaves(number: signal.Signals) -> None:
    asked: list[int] = []
    before = signal.getsignal(number)
    with stop_on_signal(asked.append):
        signal.raise_signal(number)
        assert asked == [number]
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGHUP)
        with pytest.raises(Interrupted):
            signal.raise_signal(signal.SIGINT)
    assert asked == [number]
    assert signal.getsignal(number) is before


def test_nohup_keeps_a_sweep_running() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    asked: list[int] = []
    try:
        with stop_on_signal(asked.append) as take_again:
            take_again()
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert asked == []


@pytest.mark.parametrize("number", SIGNALS)
def test_outside_training_a_signal_leaves_with_its_number(number: signal.Signals) -> None:
    with pytest.raises(Interrupted) as caught, leave_on_signal():
        signal.raise_signal(number)
    assert caught.value.number == number


def test_other_threads_are_not_asked() -> None:
    done: list[bool] = []

    def work() -> None:
        with stop_on_signal(lambda number: None):
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]
