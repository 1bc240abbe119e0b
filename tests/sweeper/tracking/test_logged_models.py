"""Trained models in MLflow: loaded in a new process they answer as the stored ones, each once."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mlflow.entities import LoggedModel, LoggedModelStatus
from mlflow.tracking import MlflowClient

from sweeper.status.best_trial import best_trial
from sweeper.status.trained import load_trained
from sweeper.sweep import KeptModels, Sweep
from sweeper.tracking import logged_models
from sweeper.tracking.artifact_place import bring_artifacts_along
from sweeper.tracking.tracker import Tracking
from tests.sweeper.mlflow_view import THIRD_PARTY, look
from tests.sweeper.small import metrics_of, newest, planned, small_sweep, train
from trainers.served import Denoiser

pytestmark = THIRD_PARTY

LOAD = """
import sys
import mlflow, numpy, torch
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model(sys.argv[2])
images = numpy.load(sys.argv[3])
numpy.save(sys.argv[4], model.predict(images))
raw = model.get_raw_model()
mean, _ = raw.encode(torch.tensor(images).flatten(1))
assert mean.shape == (len(images), raw.d_z)
assert "sweeper" not in sys.modules
"""

LOAD_TORCH = """
import sys
import mlflow.pytorch, numpy, torch
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pytorch.load_model(sys.argv[2])
numpy.save(sys.argv[4], model(torch.tensor(numpy.load(sys.argv[3]))).detach())
assert not {"sweeper", "trainers"} & sys.modules.keys()
"""


def shown(sweep: Sweep, status: str = "FINISHED") -> Tracking:
    """Deliver a trained sweep."""
    view = Tracking(sweep, {})
    for trial in sweep.trials:
        view.show_trial(trial.id, newest(sweep, trial), "FINISHED")
    view.end_sweep(status)
    return view


def models_of(sweep: Sweep) -> list[LoggedModel]:
    client = MlflowClient(sweep.tracking)
    found = client.get_experiment_by_name("demo")
    return list(client.search_logged_models([found.experiment_id]))


def two_settings(folder: Path, which: str) -> Sweep:
    sweep = small_sweep(folder, planned(sigma=0.1), planned(sigma=2.0))
    sweep = replace(sweep, models=KeptModels(which))
    train(sweep)
    return sweep


@pytest.fixture(scope="module")
def all_kept(tmp_path_factory: pytest.TempPathFactory, blank_store: Path) -> Sweep:
    folder = tmp_path_factory.mktemp("all")
    shutil.copy(blank_store, folder)
    sweep = two_settings(folder, "all")
    shown(sweep)
    return sweep


@pytest.mark.parametrize("program", [LOAD, LOAD_TORCH])
def test_a_model_loads_in_a_new_process_and_answers_as_the_stored_one(
    program: str, all_kept: Sweep, tmp_path: Path
) -> None:
    trial = all_kept.trials[0]
    [run] = look(all_kept.tracking).runs[trial.id]
    images = np.random.default_rng(0).random((3, 1, 8, 8)).astype(np.float32)
    np.save(tmp_path / "images.npy", images)
    model = f"runs:/{run.info.run_id}/model"
    files = [str(tmp_path / name) for name in ("images.npy", "found.npy")]
    command = [sys.executable, "-c", program, all_kept.tracking, model, *files]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    stored = load_trained(all_kept.storage, trial.id)
    expected = Denoiser(stored.trial, stored.objective, stored.model).predict(images)
    np.testing.assert_array_equal(np.load(tmp_path / "found.npy"), expected)


def test_a_model_says_what_it_is_and_holds_no_pickle(all_kept: Sweep) -> None:
    found = {model.tags["sweeper.trial"]: model for model in models_of(all_kept)}
    assert found.keys() == {trial.id for trial in all_kept.trials}
    trial = all_kept.trials[0]
    model, records = found[trial.id], newest(all_kept, trial).records()
    assert model.status == LoggedModelStatus.READY
    assert model.params["sigma"] == "0.1"
    assert f"runs:/{model.source_run_id}/model" in model.tags["mlflow.note.content"]
    metrics = {metric.key: metric.value for metric in model.metrics}
    assert metrics == pytest.approx(records[-1].metrics)
    [run] = look(all_kept.tracking).runs[trial.id]
    assert [one.model_id for one in run.outputs.model_outputs] == [model.model_id]
    folder = Path(model.artifact_location.removeprefix("file://"))
    files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert files == [
        "MLmodel",
        "data/model.safetensors",
        "data/trial.json",
        "pytorch/model.pt2",
        "requirements.txt",
    ]


def test_a_repeated_delivery_adds_nothing(all_kept: Sweep) -> None:
    before = look(all_kept.tracking), [model.model_id for model in models_of(all_kept)]
    shown(all_kept)
    after = look(all_kept.tracking), [model.model_id for model in models_of(all_kept)]
    assert before[1] == after[1]
    assert before[0].history == after[0].history
    assert after[0].repeated == []


@pytest.mark.usefixtures("ready_store")
def test_what_a_killed_driver_began_is_completed(tmp_path: Path) -> None:
    sweep = two_settings(tmp_path, "none")
    shown(sweep)
    assert models_of(sweep) == []
    [run] = look(sweep.tracking).runs[sweep.trials[0].id]
    client = MlflowClient(sweep.tracking)
    begun = client.create_logged_model(
        run.info.experiment_id, name="model", source_run_id=run.info.run_id
    )
    shown(replace(sweep, models=KeptModels("all")))
    found = {model.source_run_id: model for model in models_of(sweep)}
    assert len(found) == 2
    assert found[run.info.run_id].model_id == begun.model_id
    assert {model.status for model in found.values()} == {LoggedModelStatus.READY}


@pytest.mark.usefixtures("ready_store")
def test_the_best_model_replaces_the_one_that_was_the_best(tmp_path: Path) -> None:
    sweep = two_settings(tmp_path, "best")
    better, worse = (
        replace(sweep, models=KeptModels("best", ("test/recon", mode))) for mode in ("min", "max")
    )
    assert best_trial(better) != best_trial(worse)
    for chosen in (worse, better, better, worse):
        shown(chosen)
        [model] = models_of(sweep)
        assert model.tags["sweeper.trial"] == best_trial(chosen)
        assert (model.status, bool(model.metrics)) == (LoggedModelStatus.READY, True)
        [parent] = look(sweep.tracking).parents
        assert parent.info.status == "FINISHED"
    full = {one.id: metrics_of(sweep, one)[-1][2]["test/elbo_full"] for one in sweep.trials}
    assert best_trial(sweep) == max(full, key=full.__getitem__), "of no goal the full ELBO"


@pytest.mark.usefixtures("ready_store")
@pytest.mark.parametrize("which", ["best", "all"])
def test_a_model_stays_that_another_sweep_keeps(tmp_path: Path, which: str) -> None:
    """The other sweep comes before this one, or between its two deliveries."""
    sweep = two_settings(tmp_path, "best")
    better, worse = (
        replace(sweep, models=KeptModels("best", ("test/recon", mode))) for mode in ("min", "max")
    )
    trial = next(one for one in sweep.trials if one.id == best_trial(worse))
    other = replace(sweep, name="small-2", trials=(trial,), models=KeptModels(which))
    for deliveries in ((other, worse, better), (worse, other, better)):
        for one in deliveries:
            shown(one)
        found = {model.tags["sweeper.trial"] for model in models_of(sweep)}
        assert found == {best_trial(better), trial.id}
        for model in models_of(sweep):
            MlflowClient(sweep.tracking).delete_logged_model(model.model_id)


@pytest.mark.usefixtures("ready_store")
@pytest.mark.parametrize("method", ["load_trained", "best_trial"])
def test_a_model_that_cannot_be_made_leaves_no_sweep_running(
    tmp_path: Path, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = two_settings(tmp_path, "best")

    def stale(*arguments: object) -> None:
        raise OSError("Stale file handle")

    with monkeypatch.context() as patch:
        patch.setattr(logged_models, method, stale)
        assert shown(sweep).refused == "Stale file handle"
        left = {model.status for model in models_of(sweep)}
        assert left == ({LoggedModelStatus.FAILED} if method == "load_trained" else set())
    [parent] = look(sweep.tracking).parents
    assert parent.info.status == "FINISHED"
    assert shown(sweep).refused is None
    assert [model.status for model in models_of(sweep)] == [LoggedModelStatus.READY]


@pytest.mark.usefixtures("ready_store")
def test_no_model_is_the_best_of_none(tmp_path: Path) -> None:
    sweep = two_settings(tmp_path, "best")
    nothing = replace(sweep, models=KeptModels("best", ("test/accuracy", "max")))
    assert best_trial(nothing) is None
    shown(nothing)
    assert models_of(sweep) == []


@pytest.mark.usefixtures("ready_store")
def test_a_deleted_run_takes_its_model_along(tmp_path: Path) -> None:
    sweep = two_settings(tmp_path, "all")
    view = shown(sweep)
    view.runs.delete(sweep.trials[0].id)
    assert [model.tags["sweeper.trial"] for model in models_of(sweep)] == [sweep.trials[1].id]
    shown(sweep)
    assert len(models_of(sweep)) == 2


def test_models_move_with_their_store(all_kept: Sweep, tmp_path: Path) -> None:
    shutil.copytree(all_kept.folder, tmp_path / "new")
    moved = replace(all_kept, tracking=f"sqlite:///{tmp_path}/new/mlflow.db")
    bring_artifacts_along(moved.tracking, "demo")
    places = [model.artifact_location for model in models_of(moved)]
    assert len(places) == 2
    assert all(place.startswith((tmp_path / "new").as_uri()) for place in places)
