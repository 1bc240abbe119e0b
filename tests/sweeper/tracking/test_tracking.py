"""MLflow shows what storage holds, each metric step once, whatever is repeated or lost."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections import Counter
from contextlib import closing, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository
from mlflow.tracking import MlflowClient

from sweeper.storage.lease import hold_lease
from sweeper.storage.paths import sweep_folder
from sweeper.storage.signs import StopSign
from sweeper.sweep import Sweep
from sweeper.tracking import runs, tracker
from sweeper.tracking.connection import check_address
from sweeper.tracking.delivery import deliver_report
from sweeper.tracking.run_rows import RunRows
from sweeper.tracking.store import make_store
from sweeper.tracking.tracker import Tracking
from sweeper.worker import reporter, worker
from sweeper.worker.worker import train_pack
from tests.sweeper.mlflow_view import READY, look
from tests.sweeper.small import newest, planned, prepared, small_sweep, train

pytestmark = READY
ORIGIN = {"git_commit": "abc", "git_dirty": True, "versions": {"torch": "2"}, "host": "here"}


def stored(folder: Path) -> Sweep:
    """A trained sweep of one good and one diverged trial."""
    folder.mkdir(exist_ok=True)
    sweep = small_sweep(folder, planned(), planned(lr=1e30))
    train(sweep)
    check_address(sweep.tracking)
    return sweep


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    sweep = stored(tmp_path_factory.mktemp("shared"))
    show(sweep)
    return sweep


@pytest.mark.usefixtures("by_calls")
def test_each_page_of_its_runs_is_an_answer_of_the_tracker(
    shared: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a delivery waits for a server that has very many runs."""
    monkeypatch.setattr(runs, "PAGE", 1)
    answers = list[int]()
    view = Tracking(shared, ORIGIN, lambda: answers.append(1))
    assert all(view.runs.knows(trial.id) for trial in shared.trials)
    assert len(answers) > len(shared.trials)


def show(sweep: Sweep) -> Tracking:
    view = Tracking(sweep, ORIGIN)
    view.describe_sweep()
    for trial in sweep.trials:
        commit = newest(sweep, trial)
        view.show_trial(trial.id, commit, commit.progress.status.upper())
    view.end_sweep("FAILED")
    return view


def test_every_record_stands_in_its_run(shared: Sweep) -> None:
    seen, trial = look(shared.tracking), shared.trials[0]
    records = newest(shared, trial).records()
    for name in records[0].metrics:
        expected = [(record.epoch, record.time_ms, record.metrics[name]) for record in records]
        assert seen.history[trial.id, name] == expected


def test_runs_end_and_say_what_they_are(shared: Sweep) -> None:
    seen, (good, bad) = look(shared.tracking), shared.trials
    assert seen.statuses == {good.id: "FINISHED", bad.id: "FAILED"}
    run = seen.runs[good.id][0]
    assert run.info.run_name == "s1 sigma_vae σ=0.1", "what varies comes first"
    assert good.id in run.data.tags["mlflow.note.content"]
    assert all(run.data.tags.values()), "no empty tags"
    assert run.data.params == {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in good.params.items()
    }
    tags = run.data.tags
    assert tags["mlflow.parentRunId"] == seen.parents[0].info.run_id
    assert tags["sweeper.data_checksum"] == good.data["checksum"]
    assert {tags[f"sweeper.{name}"] for name in ("seed", "model", "role", "device")} == {
        "1",
        "sigma_vae",
        "declared",
        "cpu",
    }
    assert "nan" in seen.runs[bad.id][0].data.tags["sweeper.reason"]
    assert run.info.end_time - run.info.start_time == pytest.approx(
        1000 * newest(shared, good).progress.wall_s, abs=2
    )


def test_the_data_set_is_an_input(shared: Sweep) -> None:
    run = look(shared.tracking).runs[shared.trials[0].id][0]
    [entry] = run.inputs.dataset_inputs
    assert entry.dataset.digest == shared.trials[0].data["checksum"]
    assert entry.dataset.name == "digits"


def test_artifacts(shared: Sweep) -> None:
    artifacts = look(shared.tracking).artifacts
    assert artifacts[""] == ["grid.yaml", "trials.json"]
    assert artifacts[shared.trials[0].id] == ["gallery.png", "worker.log"]
    folder = Path(shared.tracking.removeprefix("sqlite:///")).parent
    pictures = list((folder / "mlruns" / "demo").rglob("gallery.png"))
    assert pictures[0].read_bytes().startswith(b"\x89PNG")


def counted_calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each method of MLflow's client is called from now on."""
    calls = Counter[str]()

    def counted(name: str) -> Any:
        whole = getattr(MlflowClient, name)

        def call(*arguments: Any, **named: Any) -> Any:
            calls[name] += 1
            return whole(*arguments, **named)

        return call

    for name in vars(MlflowClient):
        if not name.startswith("_") and callable(getattr(MlflowClient, name)):
            monkeypatch.setattr(MlflowClient, name, counted(name))
    return calls


@pytest.mark.usefixtures("by_calls")
def test_a_trial_that_ended_takes_few_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a short trial costs the driver is MLflow's calls, whatever is in them."""
    sweep = stored(tmp_path)
    view, trial = Tracking(sweep, ORIGIN), sweep.trials[0]
    calls = counted_calls(monkeypatch)
    view.show_trial(trial.id, newest(sweep, trial), "FINISHED")
    once = ("search_runs", "create_run", "log_inputs", "log_batch", "set_terminated")
    assert calls == dict.fromkeys(once, 1)


@pytest.mark.usefixtures("by_calls")
def test_a_trial_that_goes_on_takes_one_call_for_each_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its run is known to be RUNNING: a server takes as long to be told so as for ten epochs."""
    monkeypatch.setattr(reporter, "TELL_EVERY", 0.0)
    trial = planned(checkpoint_every=1)
    sweep = small_sweep(tmp_path, trial)
    view, calls = Tracking(sweep, ORIGIN), counted_calls(monkeypatch)
    later = list[Counter[str]]()

    def hear(events: list[Any]) -> None:
        if events[0].committed and events[0].phase == "running":
            before = calls.copy()
            view.show_trial(trial.id, newest(sweep, trial), "RUNNING")
            later.append(calls - before)

    worker.train_pack(prepared(sweep)[0], hear)
    assert later[1:] == [{"log_batch": 1}] * 3
    assert look(sweep.tracking).statuses == {trial.id: "RUNNING"}


def test_showing_again_changes_nothing(shared: Sweep) -> None:
    before = look(shared.tracking)
    show(shared)
    after = look(shared.tracking)
    assert str(after.history) == str(before.history)
    assert after.statuses == before.statuses
    assert len(after.parents) == 1


def test_a_growing_trial_is_shown_as_it_grows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reporter, "TELL_EVERY", 0.0)
    trial = planned(checkpoint_every=1)
    sweep = small_sweep(tmp_path, trial)
    job = prepared(sweep)[0]
    view = Tracking(sweep, ORIGIN)
    seen = []

    def hear(events: list[Any]) -> None:
        if events[0].committed and events[0].phase == "running":
            view.show_trial(trial.id, newest(sweep, trial), "RUNNING")
            seen.append(len(look(sweep.tracking).history[trial.id, "test/kl"]))
            if len(seen) == 2:
                StopSign(job.sweep).put_up()

    worker.train_pack(job, hear)
    assert seen == [1, 2]
    again = Tracking(sweep, ORIGIN)
    again.show_trial(trial.id, newest(sweep, trial), "KILLED")
    assert look(sweep.tracking).statuses == {trial.id: "KILLED"}
    StopSign(job.sweep).take_down()
    worker.train_pack(job, lambda events: None)
    again.show_trial(trial.id, newest(sweep, trial), "FINISHED")
    last = look(sweep.tracking)
    assert last.statuses == {trial.id: "FINISHED"}
    assert [step for step, _, _ in last.history[trial.id, "test/kl"]] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("kind", "method"),
    [
        (MlflowClient, "create_run"),
        (MlflowClient, "log_batch"),
        (MlflowClient, "log_inputs"),
        (MlflowClient, "set_terminated"),
        (LocalArtifactRepository, "log_artifact"),
        (RunRows, "insert"),
        (RunRows, "end"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
@pytest.mark.parametrize("done", [False, True])
def test_a_lost_call_is_made_good(
    tmp_path: Path,
    kind: type,
    method: str,
    done: bool,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    """Every second call fails, before or after the store has done what it asks for."""
    if kind is not RunRows:
        request.getfixturevalue("by_calls")
    sweep = stored(tmp_path)
    view = Tracking(sweep, ORIGIN)
    whole, calls = getattr(kind, method), []

    def call(client: Any, *arguments: Any, **named: Any) -> Any:
        calls.append(arguments)
        if len(calls) % 2:
            if done:
                whole(client, *arguments, **named)
            raise ConnectionError("lost")
        return whole(client, *arguments, **named)

    monkeypatch.setattr(kind, method, call)
    for trial in sweep.trials:
        commit = newest(sweep, trial)
        for _ in range(20):
            try:
                view.show_trial(trial.id, commit, commit.progress.status.upper())
                break
            except ConnectionError:
                continue
    monkeypatch.undo()
    assert calls
    seen = look(sweep.tracking)
    assert set(seen.statuses.values()) == {"FINISHED", "FAILED"}
    assert {len(runs) for runs in seen.runs.values()} == {1}
    assert not seen.repeated
    assert len(seen.history[sweep.trials[0].id, "test/kl"]) == 4


def test_a_run_that_was_deleted_is_shown_again(tmp_path: Path) -> None:
    sweep = stored(tmp_path)
    show(sweep)
    trial = sweep.trials[0].id
    MlflowClient(sweep.tracking).delete_run(look(sweep.tracking).runs[trial][0].info.run_id)
    show(sweep)
    assert look(sweep.tracking).statuses[trial] == "FINISHED"
    assert len(look(sweep.tracking).history[trial, "test/kl"]) == 4


def test_a_deleted_experiment_is_restored(tmp_path: Path) -> None:
    sweep = stored(tmp_path)
    show(sweep)
    client = MlflowClient(sweep.tracking)
    client.delete_experiment(client.get_experiment_by_name("demo").experiment_id)
    show(sweep)
    assert len(look(sweep.tracking).statuses) == 2


def test_a_trial_of_an_older_sweep_moves_to_the_newer_one(tmp_path: Path) -> None:
    old = stored(tmp_path)
    show(old)
    new = small_sweep(tmp_path, *old.trials, planned(seed=5), name="small-2")
    train(new)
    show(new)
    seen = look(new.tracking)
    parent = next(
        run.info.run_id for run in seen.parents if run.data.tags["sweeper.sweep"] == "small-2"
    )
    assert {run.data.tags["mlflow.parentRunId"] for [run] in seen.runs.values()} == {parent}
    assert len(seen.statuses) == 3


def test_two_drivers_that_share_a_trial_make_one_run_of_it(tmp_path: Path) -> None:
    """Both have looked at the store before either has made the run."""
    sweep = stored(tmp_path)
    views = [Tracking(replace(sweep, name=name), ORIGIN) for name in ("one", "other")]
    for trial in sweep.trials:
        commit = newest(sweep, trial)
        for view in views:
            view.show_trial(trial.id, commit, commit.progress.status.upper())
    seen = look(sweep.tracking)
    assert [len(runs) for runs in seen.runs.values()] == [1, 1]
    assert (len(seen.parents), seen.repeated) == (2, [])


def test_what_a_killed_driver_left_running_ends_with_the_next_sweep(tmp_path: Path) -> None:
    """It is never started again, as a larger grid has taken its place; what is driven goes on."""
    killed = small_sweep(tmp_path, planned(), planned(seed=2))
    for job in prepared(killed):
        train_pack(replace(job, until=2), lambda events: None)
    check_address(killed.tracking)
    view = Tracking(killed, ORIGIN)
    for trial in killed.trials:
        view.show_trial(trial.id, newest(killed, trial), "RUNNING")
    own = view._client.create_run(view.runs._experiment.experiment_id)
    later = replace(killed, name="later-1", trials=(killed.trials[0], planned(seed=3)))
    for held, left in ((True, {"RUNNING"}), (False, {"KILLED"})):
        with hold_lease(sweep_folder(killed)) if held else nullcontext():
            Tracking(later, ORIGIN).runs.end_abandoned()
        seen = look(killed.tracking)
        assert {
            run.info.status for run in seen.parents if run.info.run_name == killed.name
        } == left
        first, second = (seen.statuses[trial.id] for trial in killed.trials)
        assert (first, {second}) == ("RUNNING", left)
    assert view._client.get_run(own.info.run_id).info.status == "RUNNING"


@pytest.mark.usefixtures("by_calls")
def test_long_histories_go_in_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracker, "BATCH", 25)
    sizes: list[int] = []
    whole = MlflowClient.log_batch

    def log_batch(client: MlflowClient, run_id: str, metrics: Any = (), **named: Any) -> Any:
        sizes.append(len(metrics))
        return whole(client, run_id, metrics=metrics, **named)

    monkeypatch.setattr(MlflowClient, "log_batch", log_batch)
    sweep = small_sweep(tmp_path, planned(epochs=7))
    train(sweep)
    show(sweep)
    assert max(sizes) <= 25
    assert len(look(sweep.tracking).history[sweep.trials[0].id, "test/kl"]) == 7


def test_two_drivers_that_open_a_new_store_do_not_collide(tmp_path: Path) -> None:
    for path in tmp_path.glob("mlflow.db*"):
        path.unlink()
    sweeps = [small_sweep(tmp_path, planned(seed=seed), name=f"small-{seed}") for seed in (1, 2)]
    errors: list[BaseException] = []

    def opened(sweep: Sweep) -> None:
        try:
            Tracking(sweep, ORIGIN)
        except Exception as error:  # noqa: BLE001 - handed to the test's own thread
            errors.append(error)

    threads = [threading.Thread(target=opened, args=(sweep,)) for sweep in sweeps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(look(sweeps[0].tracking).parents) == 2


def test_a_report_is_shown_with_its_sweep(tmp_path: Path) -> None:
    sweep = stored(tmp_path)
    assert deliver_report(sweep, tmp_path) == "the tracker has no run of the sweep"
    show(sweep)
    folder = tmp_path / "report"
    folder.mkdir()
    (folder / "index.html").write_text("<p>")
    (folder / "report.json").write_text("{}")
    assert deliver_report(sweep, folder) is None
    client = MlflowClient(sweep.tracking)
    parent = look(sweep.tracking).parents[0].info.run_id
    assert [file.path for file in client.list_artifacts(parent, "report")] == [
        "report/index.html",
        "report/report.json",
    ]


def test_a_store_whose_making_was_killed_is_made_anew(tmp_path: Path) -> None:
    """What a killed driver leaves of a half-made store is no store, and is in nobody's way."""
    store, half_made = tmp_path / "new" / "mlflow.db", tmp_path / "new" / ".mlflow.db.new"
    store.parent.mkdir()
    store.touch()
    with closing(sqlite3.connect(half_made)) as half:
        half.execute("CREATE TABLE _alembic_tmp_experiment_tags (key TEXT)")
    make_store(f"sqlite:///{store}")
    client = MlflowClient(f"sqlite:///{store}")
    assert [found.name for found in client.search_experiments()] == ["Default"]
