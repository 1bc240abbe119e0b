"""A trial that failed is counted as failed by every command, by the report and by MLflow."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from sweeper.cli import main
from tests.sweeper.grids import grid_text, write_grid
from tests.sweeper.mlflow_view import THIRD_PARTY, look

pytestmark = THIRD_PARTY

HEAD = """\
experiment: counts
data: {name: linear_gaussian, dims: 4}
defaults: {network: linear, d_z: 2, epochs: 2}
seeds: 1
"""
GRID = grid_text("{model: sigma_vae, sigma: [0.5, 1.0], lr: [1e-3, 1e30]}", head=HEAD)
OTHER = grid_text("{model: sigma_vae, sigma: [0.5, 1.0, 2.0]}", head=HEAD)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, blank_store: Path) -> Path:
    """A folder in which two grids of one experiment have been run; the second has failures."""
    folder = tmp_path_factory.mktemp("counts")
    shutil.copy(blank_store, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for text, code in ((OTHER, 0), (GRID, 1)):
            write_grid(folder, text)
            assert main(["run", "grid.yaml", "--inline", "--json"]) == code
    return folder


@pytest.fixture(autouse=True)
def inside(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main([*arguments, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_failed_trials_are_counted_alike_everywhere(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    counts = {"finished": 2, "failed": 2}
    report = json.loads((place / "sweeps/sweeps/counts/report/report.json").read_text())
    assert report["trials"] == counts
    assert len(report["failed"]) == 2
    assert answer(capsys, "rank", "counts", "--metric", "test/elbo_full")["trials"] == counts
    [name] = [path.parent.name for path in place.glob("sweeps/sweeps/counts/*/sweep.json")
              if len(json.loads(path.read_text())["trials"]) == 4]  # fmt: skip
    standing = answer(capsys, "status", name)["counts"]
    assert {status: number for status, number in standing.items() if number} == counts
    of_both = answer(capsys, "status", "counts")["sweep_counts"]
    assert of_both[name] == standing
    parents = look(f"sqlite:///{place}/mlflow.db", "counts").parents
    [parent] = [run for run in parents if run.data.tags["sweeper.sweep"] == name]
    found = {key: parent.data.metrics[f"trials/{key}"] for key in counts}
    assert (parent.info.status, found) == ("FAILED", counts)


def test_a_report_is_about_the_current_grid_or_all(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answer(capsys, "report", "counts", "--out", str(place / "one"))["trials"] == 4
    found = answer(capsys, "report", "counts", "--all", "--out", str(place / "all"))
    assert found["trials"] == 5
    first, second = (json.loads((place / name / "report.json").read_text())["trials"]
                     for name in ("one", "all"))  # fmt: skip
    assert (first, second) == ({"finished": 2, "failed": 2}, {"finished": 3, "failed": 2})


def test_a_sweep_may_be_named(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = {
        len(json.loads(path.read_text())["trials"]): path.parent.name
        for path in place.glob("sweeps/sweeps/counts/*/sweep.json")
    }
    out = str(place / "named")
    assert answer(capsys, "report", "counts", "--sweep", names[3], "--out", out)["trials"] == 3
    assert main(["report", "counts", "--sweep", "nope", "--out", out]) == 2
    assert "counts has no sweep 'nope'" in capsys.readouterr().err


def test_an_export_and_a_report_name_the_runs(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import pandas as pd

    found = answer(capsys, "export", "counts", "--long", "--all", "--out", str(place / "tables"))
    assert [Path(path).name for path in found["files"]][-1] == "long.csv"
    answer(capsys, "report", "counts", "--all", "--out", str(place / "page"))
    runs = look(f"sqlite:///{place}/mlflow.db", "counts").runs
    for folder in ("page", "tables"):
        trials = pd.read_csv(place / folder / "trials.csv")
        assert len(trials) == 5
        assert dict(zip(trials["trial"], trials["run_id"], strict=True)) == {
            trial: own[0].info.run_id for trial, own in runs.items()
        }
    settings = trials[["lr", "sigma"]].to_numpy().tolist()
    assert settings == sorted(settings)
