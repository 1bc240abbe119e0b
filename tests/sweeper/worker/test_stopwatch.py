"""What a worker says that a trial took."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweeper.messages import Event, Spent
from sweeper.worker.stopwatch import Stopwatch
from tests.sweeper.clock import Clock
from tests.sweeper.small import planned, small_sweep, train


def test_the_first_epoch_is_one_like_the_others_and_a_rest() -> None:
    clock = Clock(7.0)
    watch = Stopwatch(2, clock.monotonic)
    clock.now += 3
    watch.end_preparation()
    for seconds in (10, 4, 6):
        clock.now += seconds
        watch.end_epoch()
    clock.now += 1
    watch.end_training()
    found = []
    for seconds in (0.5, 2):
        clock.now += seconds
        found.append(watch.end_trial())
    assert found == [Spent(2.5, 4.5 + 0.5), Spent(2.5, 4.5 + 2)]
    assert sum(3 * one.epoch_s + one.rest_s for one in found if one) == clock.now - 7


def test_a_single_epoch_is_its_own_mean() -> None:
    clock = Clock(7.0)
    watch = Stopwatch(1, clock.monotonic)
    clock.now += 3
    watch.end_preparation()
    clock.now += 10
    watch.end_epoch()
    watch.end_training()
    assert watch.end_trial() == Spent(10, 3)


@pytest.mark.parametrize("size", [1, 2])
def test_a_finished_trial_says_what_it_took_and_an_evaluated_one_nothing(
    size: int, tmp_path: Path
) -> None:
    sweep = small_sweep(tmp_path, planned(epochs=3), planned(epochs=3, seed=2))

    def spent(told: list[Event]) -> list[Spent | None]:
        return [event.spent for event in told if event.phase == "finished"]

    first, again = spent(train(sweep, size)), spent(train(sweep, size))
    assert [one is not None and one.epoch_s > 0 and one.rest_s > 0 for one in first] == [True] * 2
    assert again == [None, None]
