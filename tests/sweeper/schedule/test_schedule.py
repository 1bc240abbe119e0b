"""Ray Tune and this process give the same results, to the last bit."""

from __future__ import annotations

import io
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import ray
from rich.console import Console

from cluster.existing import Existing
from cluster.local import Local
from sweeper.driver.run import RunOptions, run
from sweeper.errors import UserError
from sweeper.messages import Event, Job
from sweeper.resources import Resources
from sweeper.schedule import cluster_room, in_worker, tune
from sweeper.schedule.tune import TuneSchedule
from sweeper.storage.signs import StopSign
from sweeper.worker import reporter
from sweeper.worker.worker import TrialOutOfMemoryError
from tests.local_ray import local_ray
from tests.sweeper.mlflow_view import READY, look
from tests.sweeper.searched import load, source_of
from tests.sweeper.small import (
    final_state,
    metrics_of,
    newest,
    planned,
    prepared,
    small_sweep,
    undisturbed,
)

pytestmark = READY


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """One local Ray for all tests of the module; schedules use a Ray that is already there."""
    with local_ray():
        Local().connect()  # to what is there, with the settings that a schedule needs
        yield


@pytest.mark.usefixtures("cluster")
def test_ray_gives_what_this_process_gives(tmp_path: Path) -> None:
    good = [planned(), planned(seed=2, network="mlp"), planned(0.2)]
    bad = planned(lr=1e30)
    sweep = small_sweep(tmp_path, *good, bad)
    outcome = run(sweep, RunOptions(console=Console(file=io.StringIO())))
    assert (outcome.finished, outcome.failed) == (3, 1)
    assert "became nan" in outcome.failures[0]["reason"]
    other = undisturbed(tmp_path, good, packed=True)
    for trial in good:
        assert metrics_of(sweep, trial) == metrics_of(other, trial)
        assert final_state(sweep, trial) == final_state(other, trial)
    seen = look(sweep.tracking)
    assert seen.statuses == {bad.id: "FAILED"} | {trial.id: "FINISHED" for trial in good}
    assert not seen.repeated


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize(
    "method", ["tpe", pytest.param("successive_halving", marks=pytest.mark.slow)]
)
def test_a_search_asks_for_more_as_workers_get_free(method: str, tmp_path: Path) -> None:
    text = f"{{method: {method}, trials: 4, metric: test/elbo_full, mode: max"
    text += ", startup: 2}" if method == "tpe" else ", reduction: 2}"
    sweep = load(
        tmp_path, text, "{model: sigma_vae, sigma: 0.3, lr: {loguniform: [1e-4, 0.1]}}", epochs=4
    )
    outcome = run(sweep, RunOptions(console=Console(file=io.StringIO())))
    assert (outcome.trials, outcome.failed, len(outcome.best)) == (4, 0, 1)
    trials = source_of(sweep).trials if sweep.proposals else sweep.trials
    lengths = sorted(len(metrics_of(sweep, trial)) for trial in trials)
    assert lengths == ([4] * 4 if method == "tpe" else [1, 1, 2, 4])
    other = undisturbed(tmp_path, trials)
    for trial in trials:
        records = metrics_of(sweep, trial)
        assert records == metrics_of(other, trial)[: len(records)]
    assert set(look(sweep.tracking).statuses) == {trial.id for trial in trials}


@pytest.mark.usefixtures("cluster")
def test_a_sweep_that_never_could_begin_says_so(tmp_path: Path) -> None:
    sweep = small_sweep(
        tmp_path, resources=Resources(cpus=99), places={"resources": ("g.yaml", 7, "resources")}
    )
    with pytest.raises(UserError, match=r"g\.yaml:7: resources: a trial asks for cpus: 99"):
        run(sweep, RunOptions(console=Console(file=io.StringIO())))
    assert ray.is_initialized()


@pytest.mark.usefixtures("cluster")
def test_a_schedule_that_is_closed_ends_tune_before_it_leaves_ray(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a second Ctrl-C. Tune would use a Ray that has ended, which crashes the process."""
    sweep, place = small_sweep(tmp_path, planned(epochs=100_000)), Local()
    jobs, schedule, heard = prepared(sweep), TuneSchedule(place), threading.Event()
    ended, left = list[type[BaseException]](), list[str]()

    def work() -> None:
        try:
            schedule.run(iter(jobs), sweep.resources, lambda events: heard.set())
        except BaseException as error:  # noqa: BLE001 - the test says which
            ended.append(type(error))

    caller = threading.Thread(target=work)
    caller.start()
    try:
        assert heard.wait(300)
        names = [thread.name for thread in threading.enumerate()]
        monkeypatch.setattr(
            place, "close", lambda: left.extend(one.name for one in threading.enumerate())
        )
        monkeypatch.setattr(tune, "LEAVE_WITHIN", 300.0)
        schedule.close()
    finally:
        StopSign(jobs[0].sweep).put_up()
    caller.join()
    assert "tune" in names
    assert "tune" not in left
    assert [error.__name__ for error in ended] == ["_Closed"]


@pytest.mark.usefixtures("cluster")
def test_a_stop_sign_ends_a_schedule(tmp_path: Path) -> None:
    sweep = small_sweep(tmp_path, *[planned(seed=seed, epochs=100_000) for seed in range(6)])
    jobs, news = prepared(sweep), list[Event]()

    def hear(events: list[Event]) -> None:
        news.extend(events)
        StopSign(jobs[0].sweep).put_up()

    schedule = TuneSchedule(Local())
    schedule.run(iter(jobs), sweep.resources, hear)
    schedule.close()
    begun = {event.trial for event in news}
    assert {event.trial for event in news if event.phase == "stopped"} == begun
    assert len(begun) <= 2
    assert ray.is_initialized()


@pytest.fixture
def crowd(cluster: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Somebody who has all cores of a cluster that others use too; killed at the latest here."""
    monkeypatch.setattr(cluster_room, "PATIENCE", 0.3)
    monkeypatch.setattr(cluster_room, "LOOK_EVERY", 0.1)
    somebody = ray.remote(num_cpus=2)(Crowd).remote()
    ray.get(somebody.here.remote())
    yield somebody
    ray.kill(somebody)


class Crowd:
    """It does nothing with them."""

    def here(self) -> bool:
        return True


def test_a_crowded_cluster_is_waited_for_with_words(tmp_path: Path, crowd: Any) -> None:
    sweep = small_sweep(tmp_path)
    jobs, news, said = prepared(sweep), list[Event](), list[str]()

    def make_room(text: str) -> None:
        said.append(text)
        ray.kill(crowd)

    there = Existing(ray.get_runtime_context().gcs_address)
    schedule = TuneSchedule(there, tmp_path / "tune", make_room)
    schedule.run(iter(jobs), sweep.resources, news.extend)
    schedule.close()
    [text] = said
    assert text.startswith("waiting for room: a trial asks for cpus: 1 and gpus: 0, and ")
    assert "of 2 CPUs are free" in text
    assert news[-1].phase == "finished"


def test_a_stop_sign_ends_a_wait_for_room(tmp_path: Path, crowd: Any) -> None:
    sweep = small_sweep(tmp_path)
    jobs, news, said = prepared(sweep), list[Event](), list[str]()

    def stop(text: str) -> None:
        said.append(text)
        StopSign(jobs[0].sweep).put_up()

    there = Existing(ray.get_runtime_context().gcs_address)
    for cpus in (1, 99):
        StopSign(jobs[0].sweep).take_down()
        schedule = TuneSchedule(there, tmp_path / "tune", stop)
        schedule.run(iter(jobs), Resources(cpus=cpus), news.extend)
        schedule.close()
    assert news == []
    assert "are free in the cluster" in said[0]
    assert "no node of the cluster has as much" in said[1]


def test_a_trial_that_has_just_found_room_ends_its_epoch(
    tmp_path: Path, crowd: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = small_sweep(tmp_path, planned(epochs=100_000))
    jobs, news = prepared(sweep), list[Event]()

    def make_room(text: str) -> None:
        monkeypatch.setattr(
            cluster_room, "LOOK_EVERY", 600.0
        )  # so that this look stays the last one
        ray.kill(crowd)

    def hear(events: list[Event]) -> None:
        news.extend(events)
        StopSign(jobs[0].sweep).put_up()

    there = Existing(ray.get_runtime_context().gcs_address)
    schedule = TuneSchedule(there, tmp_path / "tune", make_room)
    schedule.run(iter(jobs), sweep.resources, hear)
    schedule.close()
    assert news[-1].phase == "stopped"


def hungry(config: dict[str, Any]) -> None:
    """What a worker does for trials that need the memory of two cores."""
    if ray.get_runtime_context().get_assigned_resources()["CPU"] < 2:
        assert Job.from_json(config["job"]).again
        raise TrialOutOfMemoryError("planted")
    in_worker.train(config)


@pytest.mark.slow
@pytest.mark.usefixtures("cluster")
def test_a_trial_that_needs_more_room_says_how_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_room, "PATIENCE", 0.3)
    monkeypatch.setattr(cluster_room, "LOOK_EVERY", 0.1)
    monkeypatch.setattr(in_worker, "train", hungry)
    sweep, news, said = small_sweep(tmp_path), list[Event](), list[str]()
    jobs, somebody = prepared(sweep), ray.remote(num_cpus=1)(Crowd).remote()
    ray.get(somebody.here.remote())

    def make_room(text: str) -> None:
        said.append(text)
        if "cpus: 2" in text:
            ray.kill(somebody)

    there = Existing(ray.get_runtime_context().gcs_address)
    schedule = TuneSchedule(there, tmp_path / "tune", make_room)
    schedule.run(iter(jobs), sweep.resources, news.extend)
    schedule.close()
    assert said[-1].startswith("waiting for room: a trial asks for cpus: 2 and gpus: 0, and ")
    assert news[-1].phase == "finished"


@pytest.mark.slow
@pytest.mark.usefixtures("cluster")
def test_where_memory_runs_out_fewer_trials_run_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trials = [planned(), planned(seed=2)]
    sweep, news = small_sweep(tmp_path, *trials), list[Event]()
    schedule = TuneSchedule(Local())
    with monkeypatch.context() as patch:
        patch.setattr(in_worker, "train", hungry)
        schedule.run(prepared(sweep), Resources(), news.extend)
    schedule.close()
    said = [event.note for event in news if event.note]
    assert len(said) == 2
    assert all("tried again with 2 cores to itself" in str(note) for note in said)
    assert [event.reason for event in news if event.phase == "failed"] == []
    other = undisturbed(tmp_path, trials)
    assert [metrics_of(sweep, one) for one in trials] == [metrics_of(other, one) for one in trials]


def talkative(config: dict[str, Any]) -> None:
    """A worker that says which process it is, and waits with each news until it is heard."""
    reporter.TELL_EVERY = 0.0
    Path(Job.from_json(config["job"]).storage, "worker").write_text(str(os.getpid()))
    in_worker.train(config)


@pytest.mark.slow
@pytest.mark.usefixtures("cluster")
def test_a_killed_worker_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trial = planned(epochs=6, checkpoint_every=1)
    sweep, killed, news = small_sweep(tmp_path, trial), list[int](), list[Event]()
    jobs = prepared(sweep)

    def hear(events: list[Event]) -> None:
        news.extend(events)
        if not killed and any(event.committed for event in events):
            killed.append(int((sweep.storage / "worker").read_text()))
            os.kill(killed[0], signal.SIGKILL)

    schedule = TuneSchedule(Local())
    with monkeypatch.context() as patch:
        patch.setattr(in_worker, "train", talkative)
        schedule.run(jobs, Resources(), hear)
    schedule.close()
    assert int((sweep.storage / "worker").read_text()) not in (killed[0], os.getpid())
    assert [event.reason for event in news if event.phase == "failed"] == []
    assert metrics_of(sweep, trial) == metrics_of(undisturbed(tmp_path, [trial]), trial)
    assert newest(sweep, trial).attempt == 2
    assert newest(sweep, trial).manifest["parent"].startswith("0001/")
