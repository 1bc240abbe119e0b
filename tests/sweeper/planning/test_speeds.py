"""What trials took is kept by machine and program, and the next plan is calibrated by it."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from sweeper.driver.run import RunOptions, run
from sweeper.messages import Spent
from sweeper.planning.capacity import estimates, estimates_of
from sweeper.planning.outline import outline
from sweeper.planning.speeds import Speed, Speeds, speeds_of
from sweeper.resources import Resources
from sweeper.sweep import PlannedTrial
from tests.sweeper.mlflow_view import READY
from tests.sweeper.small import planned, small_sweep
from trainers.evaluations import EVALUATIONS

pytestmark = READY
MEASURED = Speed(epoch_s=3.0, rest_s=0.5, rated_s=2.0, trials=4)


def test_a_first_trial_replaces_the_table_and_later_ones_enter_a_mean() -> None:
    first = Speed(1.0, 0.0, rated_s=1.0).after(Spent(3.0, 0.5))
    assert first == Speed(3.0, 0.5, 1.0, 1)
    assert first.after(Spent(4.0, 1.5)) == Speed(3.5, 1.0, 1.0, 2)
    assert first.seconds(10) == 30.5


def note(speeds: Speeds, trial: PlannedTrial, speed: Speed = MEASURED) -> None:
    """Keep what a trial's program took."""
    speeds.learn(trial, speed)
    speeds.keep()


def test_a_machine_that_became_slower_is_followed() -> None:
    """However many trials were measured before."""
    speed = replace(MEASURED, trials=1000)
    for _ in range(30):
        speed = speed.after(Spent(6.0, 0.5))
    assert speed.epoch_s == pytest.approx(6.0, rel=0.02)


def test_speeds_of_other_machines_stay_and_are_not_used(tmp_path: Path) -> None:
    path, trial = tmp_path / "speeds.json", planned()
    note(Speeds(path, "one"), trial)
    note(Speeds(path, "other"), trial, replace(MEASURED, epoch_s=9.0))
    found = [Speeds(path, machine).of(trial) for machine in ("one", "other", "third")]
    assert found == [MEASURED, replace(MEASURED, epoch_s=9.0), None]


def test_what_another_driver_kept_meanwhile_stays(tmp_path: Path) -> None:
    path, first, second = tmp_path / "speeds.json", planned(), planned(batch_size=7)
    one, two = Speeds(path, "one"), Speeds(path, "one")
    note(one, first)
    note(two, second)
    assert [Speeds(path, "one").of(trial) for trial in (first, second)] == [MEASURED, MEASURED]


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (planned(seed=3), True),
        (planned(sigma=0.3), True),
        (planned(epochs=50), True),
        (planned(batch_size=7), False),
        (planned(test_every=2), False),
        (replace(planned(), evaluate=(EVALUATIONS.build({"name": "active_units"}),)), False),
    ],
)
def test_a_program_is_all_that_decides_how_long_an_epoch_takes(
    other: PlannedTrial, same: bool, tmp_path: Path
) -> None:
    speeds = Speeds(tmp_path / "speeds.json", "one")
    note(speeds, planned())
    assert (speeds.of(other) == MEASURED) == same


@pytest.mark.parametrize(
    "content", ["[]", "{", '{"schema": 1, "machines": {"one": {"a": {"epoch_s": "x"}, "b": 3}}}']
)
def test_a_damaged_file_is_as_none(content: str, tmp_path: Path) -> None:
    path = tmp_path / "speeds.json"
    path.write_text(content)
    speeds = Speeds(path, "one")
    assert (speeds.of(planned()), speeds.factor) == (None, 1.0)
    note(speeds, planned())
    assert Speeds(path, "one").of(planned()) == MEASURED


def test_what_was_measured_of_other_programs_calibrates_the_table(tmp_path: Path) -> None:
    known = planned(epochs=4)
    new = replace(planned(epochs=4, batch_size=7), params={"batch_size": 7})
    speeds = Speeds(tmp_path / "speeds.json", "one")
    table = estimates([new], speeds)[new.id].speed
    note(speeds, known)
    assert speeds.factor == 1.5
    assert estimates([known], speeds)[known.id].seconds == 12.5
    assert estimates([new], speeds)[new.id].speed.epoch_s == 1.5 * table.rated_s


def test_a_run_calibrates_the_next_plan(tmp_path: Path) -> None:
    sweep = small_sweep(tmp_path, planned(epochs=3))
    longer = replace(sweep, trials=(planned(epochs=300),))
    before = outline(longer)
    run(sweep, RunOptions(inline=True, console=Console(file=io.StringIO())))
    after = outline(longer)
    assert (before.measured, after.measured) == (False, True)
    assert after.cpu_seconds != before.cpu_seconds


def test_a_plan_says_whether_all_of_it_was_measured(tmp_path: Path) -> None:
    trials = planned(epochs=3), planned(epochs=30, seed=1)
    sweep = small_sweep(tmp_path, *trials)
    assert not outline(sweep).measured
    note(speeds_of(sweep), trials[0])
    plan = outline(sweep)
    assert plan.measured
    assert plan.cpu_seconds == pytest.approx(0.5 + 9 + 0.5 + 90)
    assert plan.to_json()["estimate"]["measured"]


def test_what_members_of_a_pack_took_is_not_what_a_trial_by_itself_takes(tmp_path: Path) -> None:
    """Nor is it the other way round, where nothing was measured: a member shares its calls."""
    trials = [planned(seed=seed) for seed in range(9)]
    packed = small_sweep(tmp_path, *trials)
    apart = small_sweep(tmp_path, *trials, resources=Resources(pack=1))
    one, many = (estimates_of(sweep, trials)[trials[0].id].seconds for sweep in (apart, packed))
    assert one > 1.3 * many  # of packs of two, on a machine with many cores
    note(speeds_of(packed), trials[0])
    assert (outline(packed).measured, outline(apart).measured) == (True, False)
    longer = planned(epochs=30)
    assert speeds_of(packed).of(longer), "the trials of `until` are packed as those before"
