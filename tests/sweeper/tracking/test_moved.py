"""A project that was moved or copied uses the store and the storage where it lies now."""

from __future__ import annotations

import io
import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow.tracking._tracking_service import utils
from rich.console import Console

from sweeper.driver.run import RunOptions, run
from sweeper.status.stored import stored_sweeps
from sweeper.status.trained import stored_trial, sweeps_of
from sweeper.storage.home import Home, stored_tracking
from sweeper.sweep import Sweep
from sweeper.tracking.reconcile import reconcile
from tests.sweeper.mlflow_view import THIRD_PARTY, look
from tests.sweeper.small import planned, small_sweep

pytestmark = THIRD_PARTY

OPTIONS = RunOptions(inline=True)


@pytest.fixture(autouse=True)
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow remembers for the life of a process where the artifacts of a run go."""
    monkeypatch.setattr(utils, "_artifact_repos_cache", Forgetful())


class Forgetful(dict[str, object]):
    def get(self, key: str, default: object = None) -> object:
        return default


def trained(folder: Path, *trials: int) -> Sweep:
    """A sweep of the folder with a trial for each of the seeds, trained."""
    sweep = small_sweep(folder, *(planned(seed=seed) for seed in trials))
    run(sweep, replace(OPTIONS, console=Console(file=io.StringIO())))
    return sweep


def state(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of every file below a folder, SQLite's own aside."""
    return {
        str(path.relative_to(folder)): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith(("-wal", "-shm"))
    }


@pytest.fixture
def old(tmp_path: Path, blank_store: Path) -> Path:
    folder = tmp_path / "old"
    folder.mkdir()
    shutil.copy(blank_store, folder / "mlflow.db")
    trained(folder, 1)
    return folder


def test_a_moved_project_goes_on_where_it_lies(tmp_path: Path, old: Path) -> None:
    new = tmp_path / "new"
    old.rename(new)
    sweep = trained(new, 1, 2)
    seen = look(sweep.tracking)
    assert set(seen.statuses.values()) == {"FINISHED"}
    assert [parent.info.status for parent in seen.parents] == ["FINISHED"]
    assert all("gallery.png" in seen.artifacts[trial.id] for trial in sweep.trials)
    assert not old.exists()


def test_a_copy_does_not_write_to_the_original(tmp_path: Path, old: Path) -> None:
    shutil.copytree(old, tmp_path / "new")
    before = state(old)
    sweep = trained(tmp_path / "new", 1, 2)
    [stored] = stored_sweeps(sweep.storage, sweep.name)
    assert reconcile(stored).tracking_uri == sweep.tracking
    assert state(old) == before


def test_commands_of_a_moved_storage_find_its_store(tmp_path: Path, old: Path) -> None:
    new = tmp_path / "new"
    old.rename(new)
    [stored] = stored_sweeps(new / "sweeps")
    assert stored.sweep.tracking == f"sqlite:///{new}/mlflow.db"
    assert stored.sweep.folder == new
    [trial] = stored.sweep.trials
    assert list(sweeps_of(new / "sweeps", trial.id)) == [("demo", stored.sweep.tracking)]
    assert reconcile(stored).trials == 1
    assert not old.exists()


def test_pictures_that_cannot_be_stored_hold_no_number_back(tmp_path: Path, old: Path) -> None:
    shutil.rmtree(old / "mlruns")
    (old / "mlruns").write_text("in the way")
    console = Console(file=io.StringIO(), width=1000)
    sweep = small_sweep(old, planned(seed=1), planned(seed=2))
    run(sweep, replace(OPTIONS, console=console))
    seen = look(sweep.tracking)
    assert set(seen.statuses.values()) == {"FINISHED"}
    assert [parent.info.status for parent in seen.parents] == ["FINISHED"]
    assert all((trial.id, "test/kl") in seen.history for trial in sweep.trials)
    assert "`sweeper reconcile demo` delivers them" in console.file.getvalue()
    (old / "mlruns").unlink()
    reconcile(stored_sweeps(sweep.storage, sweep.name)[-1])
    assert "gallery.png" in look(sweep.tracking).artifacts[sweep.trials[1].id]


def test_a_store_whose_place_was_chosen_by_hand_keeps_it(tmp_path: Path, old: Path) -> None:
    elsewhere = (tmp_path / "elsewhere").as_uri()
    with closing(sqlite3.connect(old / "mlflow.db")) as database, database:
        database.execute(
            "UPDATE experiments SET artifact_location = ? WHERE name = 'demo'", (elsewhere,)
        )
    old.rename(tmp_path / "new")
    trained(tmp_path / "new", 1, 2)
    with closing(sqlite3.connect(tmp_path / "new" / "mlflow.db")) as database:
        [row] = database.execute("SELECT artifact_location FROM experiments WHERE name = 'demo'")
    assert row == (elsewhere,)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/old/mlflow.db", "/new/mlflow.db"),
        ("data/pictures", "/new/data/pictures"),
        ("/old/sweeps/x", "/new/sweeps/x"),
        ("/shared/mlflow.db", "/shared/mlflow.db"),
        ("/older/mlflow.db", "/older/mlflow.db"),
    ],
)
def test_what_lay_in_the_folder_moved_with_it(path: str, found: str) -> None:
    home = Home(Path("/old"), Path("/old/sweeps"))
    assert home.find(path, Path("/new/sweeps")) == Path(found)
    assert home.find(path, Path("/old/sweeps")) == Path("/old") / path


def test_a_storage_outside_the_folder_moves_alone() -> None:
    home = Home(Path("/old"), Path("/scratch/sweeps"))
    assert home.find("/old/mlflow.db", Path("/new/sweeps")) == Path("/old/mlflow.db")
    assert home.now(Path("/new/sweeps")) == Path("/old")


def test_a_sweep_that_does_not_say_its_home(tmp_path: Path, old: Path) -> None:
    file = old / "sweeps" / "sweeps" / "demo" / "small-1" / "sweep.json"
    row = {key: value for key, value in json.loads(file.read_text()).items() if key != "home"}
    assert stored_tracking(row, old / "sweeps") == f"sqlite:///{old}/mlflow.db"
    copy = tmp_path / "copy"
    shutil.copytree(old, copy)
    assert stored_tracking(row, copy / "sweeps") == f"sqlite:///{copy}/mlflow.db"
    shutil.rmtree(old)
    assert stored_tracking(row, copy / "sweeps") == f"sqlite:///{copy}/mlflow.db"


def test_data_of_a_moved_trial_are_found(tmp_path: Path, old: Path) -> None:
    [path] = (old / "sweeps" / "trials").glob("*/trial.json")
    row = json.loads(path.read_text())
    row["trial"]["data"] = {"name": "image_folder", "folder": str(old / "pictures"), "size": 8}
    path.write_text(json.dumps(row))
    (old / "pictures").mkdir()
    new = tmp_path / "new"
    old.rename(new)
    found = stored_trial(new / "sweeps", path.parent.name)["trial"]["data"]
    assert found == {"name": "image_folder", "folder": str(new / "pictures"), "size": 8}
