"""A sweep with components of the user's own: stored by hash, and used again from there."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from analysis.errors import MixedRows
from analysis.laws.law import Law, points
from analysis.sources import load as sources
from sweeper.cli import main
from sweeper.commands.init import templates
from sweeper.driver.rerun import rerun
from sweeper.driver.run import RunOptions, run
from sweeper.errors import UserError
from sweeper.grid.loading import load
from sweeper.status.stored import load_again, stored_sweeps
from sweeper.storage import paths
from sweeper.sweep import Sweep
from tests.sweeper.mlflow_view import READY
from tests.sweeper.own_files import BARS, GRID, write_grid_with
from trainers import component_files

pytestmark = READY
OTHER = BARS.replace("share: float = 0.2", "share: float = 0.4")


@pytest.fixture
def two_versions(tmp_path: Path) -> tuple[Sweep, Sweep]:
    """Two sweeps of one experiment, by two versions of one file, which is deleted afterwards."""
    sweeps = []
    for text in (BARS, OTHER):
        path = write_grid_with(tmp_path / "grids", text, GRID.replace("digits", "bars, lr: 0.01"))
        sweep = load(
            path, storage=str(tmp_path / "sweeps"), tracking=f"sqlite:///{tmp_path}/mlflow.db"
        )
        outcome = run(sweep, RunOptions(inline=True, live=False))
        assert (outcome.finished, outcome.failed) == (6, 0)
        sweeps.append(sweep)
    (tmp_path / "grids" / "bars.py").unlink()
    component_files.offer(())
    return sweeps[0], sweeps[1]


def test_each_version_is_stored_and_used_where_it_belongs(
    two_versions: tuple[Sweep, Sweep], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = two_versions
    storage = first.storage
    for text in (BARS, OTHER):
        sha256 = hashlib.sha256(text.encode()).hexdigest()
        assert paths.component_file(storage, sha256).read_text() == text
    for sweep in two_versions:
        assert rerun(storage, sweep.trials[0].id).identical
    again = [load_again(one) for one in stored_sweeps(storage, "own")]
    assert {one.name: [trial.id for trial in one.trials] for one in again} == {
        one.name: [trial.id for trial in one.trials] for one in (first, second)
    }
    assert main(["denoise", first.trials[0].id, "--storage", str(storage), "--count", "2"]) == 0
    assert "denoise-" in capsys.readouterr().out


def test_a_law_over_both_versions_is_refused_with_the_reason(
    two_versions: tuple[Sweep, Sweep],
) -> None:
    trials = sources.from_storage(two_versions[0].storage, "own").trials
    one = {"lr": 1e-3}
    with pytest.raises(MixedRows, match=r"components \(bars [0-9a-f]{8} and bars [0-9a-f]{8}\)"):
        points(trials, Law(where=one))
    version = two_versions[1].trials[0].params["components"]
    assert len(points(trials, Law(where={**one, "components": version})).x) == 3


def test_a_stored_file_that_was_changed_or_is_missing_is_refused(
    two_versions: tuple[Sweep, Sweep],
) -> None:
    storage, trial = two_versions[0].storage, two_versions[0].trials[0].id
    stored = paths.component_file(storage, hashlib.sha256(BARS.encode()).hexdigest())
    stored.write_text(OTHER)
    with pytest.raises(UserError, match="is not the text that it was stored as"):
        rerun(storage, trial)
    stored.unlink()
    with pytest.raises(UserError, match="cannot be read"):
        rerun(storage, trial)


def test_reading_a_storage_runs_no_code_of_it(
    two_versions: tuple[Sweep, Sweep],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    storage = two_versions[0].storage
    monkeypatch.chdir(tmp_path)
    for stored in storage.glob("components/*.py"):
        stored.write_text("raise SystemExit('this was run')\n")
    for command in (["report"], ["fit", "--where", "lr=0.001"], ["export"]):
        main([command[0], "own", "--storage", str(storage), *command[1:]])
        said = capsys.readouterr()
        assert "this was run" not in said.out + said.err


KINDS = ("dataset", "objective", "likelihood", "network", "evaluation", "sampler")
WHOLE = f"""\
experiment: mine
components: [{", ".join(f"code/{kind}.py" for kind in KINDS)}]
data: {{name: bars, examples: 300}}
defaults: {{network: one_layer, d_z: 2, epochs: 2}}
seeds: 2
evaluate: [spread, {{samples: {{samplers: [tempered]}}}}]
trials:
  - {{objective: free_bits, likelihood: student, scale: [0.1, 0.2, 0.4], floor: 0.5}}
"""


@pytest.mark.slow
def test_one_file_of_each_kind_is_trained_on_ray_from_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grids, elsewhere = tmp_path / "grids", tmp_path / "elsewhere"
    (grids / "code").mkdir(parents=True)
    elsewhere.mkdir()
    for kind in KINDS:
        (grids / "code" / f"{kind}.py").write_bytes(templates()[kind].read_bytes())
    (grids / "grid.yaml").write_text(WHOLE, encoding="utf-8")
    monkeypatch.chdir(elsewhere)
    sweep = load(
        "../grids/grid.yaml",
        storage=str(tmp_path / "sweeps"),
        tracking=f"sqlite:///{tmp_path}/mlflow.db",
    )
    outcome = run(sweep, RunOptions(live=False))
    assert (outcome.finished, outcome.failed, outcome.unanswered) == (6, 0, 0)
    trials = sources.from_storage(sweep.storage, "mine").trials
    assert (trials["evaluation/spread"] > 0).all()
