"""The time left of a sweep, as its trials are heard of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sweeper.messages import Event, Phase, Spent
from sweeper.planning import forecast as forecast_module
from sweeper.planning.forecast import Forecast, foresee, uncertain
from sweeper.planning.speeds import Speed, Speeds, speeds_of
from sweeper.resources import Resources
from tests.sweeper.clock import Clock
from tests.sweeper.small import planned, small_sweep

TRIALS = [planned(seed=seed, epochs=10) for seed in range(4)]
OTHER = replace(planned(epochs=10, batch_size=7), params={"batch_size": 7})
SPEED = Speed(epoch_s=2.0, rest_s=4.0, rated_s=1.0, trials=9)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    stopped = Clock()
    monkeypatch.setattr(forecast_module, "time", stopped)
    return stopped


@pytest.fixture
def speeds(tmp_path: Path) -> Speeds:
    found = Speeds(tmp_path / "speeds.json", "one")
    found.learn(TRIALS[0], SPEED)
    return found


def left(forecast: Forecast, *epochs: int) -> float | None:
    """Seconds left, with so many epochs left of the first trials."""
    return forecast.left_s({one.id: n for one, n in zip(TRIALS, epochs, strict=False) if n})


def event(trial: int, phase: Phase = "running", spent: Spent | None = None) -> Event:
    return Event(TRIALS[trial].id, phase, spent=spent)


def test_before_an_epoch_has_ended_it_is_what_was_measured_before(
    speeds: Speeds, clock: Clock
) -> None:
    assert left(Forecast(speeds, TRIALS, 1), 10, 10) == 48
    assert left(Forecast(speeds, TRIALS, 2), 10, 10, 10) == 48
    assert left(Forecast(speeds, TRIALS, 1, crowding=3.0), 10, 10) == 144


def test_a_machine_that_is_half_as_fast_as_before_takes_twice_as_long(
    speeds: Speeds, clock: Clock
) -> None:
    forecast = Forecast(speeds, TRIALS, 2)
    for _ in range(30):
        forecast.hear(event(0), 1)
        forecast.hear(event(1), 1)
        clock.now += 4
    clock.now -= 4
    assert left(forecast, 7, 7, 10, 10) == pytest.approx(84, rel=0.1)
    clock.now += 3
    assert left(forecast, 7, 7, 10, 10) == pytest.approx(81, rel=0.1)


@pytest.mark.parametrize("apart", [0.001, 30.0])
def test_the_first_news_of_two_workers_are_no_pace(
    speeds: Speeds, clock: Clock, apart: float
) -> None:
    """What the second worker tells of began before the first told anything."""
    forecast = Forecast(speeds, TRIALS, 2)
    forecast.hear(event(0), 5)
    clock.now += apart
    forecast.hear(event(1), 5)
    said = left(forecast, 5, 5, 10, 10)
    assert said
    assert 38 / 4 < said < 38 * 4


def test_at_the_end_of_a_sweep_empty_places_are_no_slowness(speeds: Speeds, clock: Clock) -> None:
    forecast = Forecast(speeds, TRIALS[:1], 4)
    for _ in range(5):
        forecast.hear(event(0), 1)
        clock.now += 2
    clock.now -= 2
    assert left(forecast, 5) == 14


def test_members_of_a_pack_share_its_time(speeds: Speeds, clock: Clock) -> None:
    """Four trials of 2 s an epoch each are a pack of 8 s an epoch."""
    forecast = Forecast(speeds, TRIALS, 1, pack=4)
    for _ in range(6):
        for trial in range(4):
            forecast.hear(event(trial), 1)
        clock.now += 8
    clock.now -= 8
    assert left(forecast, 4, 4, 4, 4) == pytest.approx(4 * (4 * 2 + 4), rel=0.15)


def test_only_the_last_minutes_make_the_pace(speeds: Speeds, clock: Clock) -> None:
    forecast = Forecast(speeds, TRIALS, 1)
    for seconds in (*[20.0] * 20, *[2.0] * 200):
        clock.now += seconds
        forecast.hear(event(0), 1)
    assert left(forecast, 10) == 24


def test_a_finished_trial_corrects_the_estimate_of_its_program(
    speeds: Speeds, clock: Clock
) -> None:
    """And of no other; so that different programs get the time left that each takes."""
    forecast = Forecast(speeds, [*TRIALS, OTHER], 1)
    before = forecast.left_s({OTHER.id: 10})
    assert before
    for _ in range(200):
        forecast.hear(event(0, "finished", Spent(6.0, 0.0)), 0)
    assert left(forecast, 0, 10) == pytest.approx(60)
    assert forecast.left_s({OTHER.id: 10}) == pytest.approx(before)
    forecast.keep()
    kept = Speeds(speeds._path, "one").of(TRIALS[1])
    assert kept
    assert kept.epoch_s == pytest.approx(6.0)


def test_trials_that_a_search_adds_are_estimated_by_those_before_them(
    speeds: Speeds, clock: Clock
) -> None:
    forecast = Forecast(speeds, TRIALS[:1], 1)
    for _ in range(200):
        forecast.hear(event(0, "finished", Spent(6.0, 0.0)), 0)
    forecast.add(TRIALS[1:2])
    assert left(forecast, 0, 10) == pytest.approx(60)


def test_nothing_is_said_of_trials_that_were_not_estimated(speeds: Speeds) -> None:
    forecast = Forecast(speeds, TRIALS[:2], 1)
    assert left(forecast, 10, 10, 10) is None
    forecast.hear(event(3), 1)
    forecast.add(TRIALS[2:])
    assert left(forecast, 10, 10, 10) == 72


@pytest.mark.parametrize(
    ("pack", "cores", "seconds"), [(1, 1, 4 * 24), (1, 2, 48), (1, 64, 24), (4, 1, 96), (2, 2, 48)]
)
def test_packs_are_divided_among_the_places(
    pack: int, cores: int, seconds: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sweeper.planning.capacity.allowed_cores", lambda: cores)
    monkeypatch.setattr("sweeper.planning.forecast.crowding", lambda sweep, slots: 1.0)
    sweep = small_sweep(tmp_path, *TRIALS, resources=Resources(pack=pack))
    before = speeds_of(sweep)
    before.learn(TRIALS[0], SPEED)
    before.keep()
    assert left(foresee(sweep, TRIALS), 10, 10, 10, 10) == seconds
    assert left(foresee(sweep, TRIALS, inline=True), 10, 10, 10, 10) == 96


@pytest.mark.parametrize(("load", "busy"), [(4.0, False), (13.0, True)])
def test_a_busy_machine_is_named(load: float, busy: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecast_module.os, "getloadavg", lambda: (load, 0.0, 0.0))
    monkeypatch.setattr(forecast_module.os, "cpu_count", lambda: 8)
    assert uncertain() == busy
