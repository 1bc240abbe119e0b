"""Paths and addresses of an environment: each that cannot be used is one sentence, exit code 2."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from cluster.errors import ClusterError
from cluster.session_folder import require_short
from sweeper.cli import main
from sweeper.errors import UserError
from sweeper.grid import loading
from sweeper.storage.addresses import recall_password, require_password, show_tracking
from tests.sweeper.grids import HEAD, grid_text, write_grid

GOOD = "{model: sigma_vae, sigma: 0.1}"
SECRET = "http://alice:secret@localhost:1"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("URI", "USERNAME", "PASSWORD", "TOKEN"):
        monkeypatch.delenv(f"MLFLOW_TRACKING_{name}", raising=False)
    return tmp_path


def test_a_working_folder_that_was_deleted(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gone = here / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    assert main(["plan", "digits"]) == 2
    assert "the working folder was deleted" in capsys.readouterr().err


def test_a_temporary_folder_whose_name_is_too_long_for_sockets() -> None:
    require_short("/tmp")
    with pytest.raises(ClusterError, match="TMPDIR=/tmp"):
        require_short("/tmp/" + "ü" * 25)


def test_the_environment_names_the_store_where_the_grid_does_not(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = write_grid(here, grid_text(GOOD))
    assert show_tracking(loading.load(grid)) == f"sqlite:///{here}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", SECRET)
    assert loading.load(grid).tracking == SECRET
    assert show_tracking(loading.load(grid)) == (
        "http://alice:***@localhost:1 (MLFLOW_TRACKING_URI)"
    )
    named = loading.load(grid, tracking="sqlite:///other.db")
    assert show_tracking(named) == f"sqlite:///{here}/other.db"


def test_an_environment_that_names_no_store(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "databricks")
    with pytest.raises(UserError, match=r"^MLFLOW_TRACKING_URI: must start with one of"):
        loading.load(write_grid(here, grid_text(GOOD)))


def test_plan_shows_no_password(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    grid = str(write_grid(here, grid_text(GOOD, head=f"{HEAD}tracking: {SECRET}\n")))
    assert main(["plan", grid]) == 0
    assert main(["plan", grid, "--json"]) == 0
    assert main(["run", grid, "--inline"]) == 2
    assert main(["doctor", "--tracking", SECRET]) == 1
    out, err = capsys.readouterr()
    assert "alice:***@" in out
    assert "alice:***@" in err
    assert "secret" not in out + err
    assert "secret" not in loading.load(grid).grid


def test_a_password_that_is_not_stored_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = "http://alice:***@localhost:1"
    with pytest.raises(UserError, match="set MLFLOW_TRACKING_URI to the whole address"):
        require_password(recall_password(stored))
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "secret")
    assert recall_password(stored) == "http://localhost:1"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", SECRET)
    assert recall_password(stored) == SECRET


def test_an_experiment_is_named_in_bytes(here: Path) -> None:
    head = HEAD.replace("experiment: test", "experiment: " + "測" * 86)
    with pytest.raises(UserError, match="at most 255 bytes in UTF-8"):
        loading.load(write_grid(here, grid_text(GOOD, head=head)))
    head = HEAD.replace("experiment: test", "experiment: " + "測" * 85)
    assert len(loading.load(write_grid(here, grid_text(GOOD, head=head))).experiment) == 85


def test_relative_paths_mean_the_folder_of_the_first_run(here: Path) -> None:
    head = HEAD.replace("linear_gaussian", "{name: image_folder, folder: pictures, size: 8}")
    project = here / "what? it's"
    (project / "pictures").mkdir(parents=True)
    for place in range(10):
        content = b"P6 8 8 255\n" + bytes([place]) * 192
        (project / "pictures" / f"{place}.ppm").write_bytes(content)
    grid = write_grid(project, grid_text(GOOD, head=head.replace("linear,", "mlp,")))
    sweep = loading.load(grid, folder=project)
    assert sweep.storage == project / "sweeps"
    assert json.loads(json.dumps(sweep.trials[0].trial.config()["data"]))["folder"] == str(
        project / "pictures"
    )
    assert sweep.tracking == f"sqlite:///{here}/what%3F it's/mlflow.db"
