"""Validation metrics on their way to storage, MLflow, the commands and the report."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from rich.console import Console

from analysis.sources import load as analysis_load
from sweeper.cli import main
from sweeper.driver.run import RunOptions, run
from sweeper.errors import UserError
from sweeper.grid import loading
from tests.sweeper.grids import write_grid
from tests.sweeper.mlflow_view import READY, look
from tests.sweeper.small import metrics_of
from tests.trainers.test_data_files import write_faces

pytestmark = READY

GRID = """\
experiment: demo
data: {{name: frey_face, data_dir: {folder}}}
defaults: {{network: linear, d_z: 2, epochs: 4, batch_size: 100, test_every: 2}}
seeds: 2
trials:
  - {{model: sigma_vae, sigma: [0.2, 0.3, 0.4]}}
storage: {folder}/sweeps
tracking: sqlite:///{folder}/mlflow.db
"""
SEARCH = (
    "search: {{method: asha, metric: validation/elbo_full, mode: max, reduction: 2,"
    " min_epochs: {least}}}\n"
)


def test_validation_metrics_are_stored_tracked_and_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_faces(tmp_path)
    sweep = loading.load(write_grid(tmp_path, GRID.format(folder=tmp_path)))
    outcome = run(sweep, RunOptions(inline=True, live=False, console=Console(quiet=True)))
    assert outcome.finished == 6
    view, storage = look(sweep.tracking), str(sweep.storage)
    for trial in sweep.trials:
        stored = {
            epoch: metrics["validation/elbo_full"]
            for epoch, _, metrics in metrics_of(sweep, trial)
            if "validation/elbo_full" in metrics
        }
        assert set(stored) == {2, 4}
        assert all(math.isfinite(value) for value in stored.values())
        shown = view.history[trial.id, "validation/elbo_full"]
        assert {epoch: value for epoch, _, value in shown} == stored
    frame = analysis_load.from_storage(storage, "demo").trials
    assert {"validation/kl", "test/kl", "test/objective_full"} <= set(frame.columns)
    assert (
        main(
            ["fit", "demo", "--x", "sigma", "--y", "validation/kl", "--storage", storage, "--json"]
        )
        == 0
    )
    assert json.loads(capsys.readouterr().out)
    assert main(["report", "demo", "--storage", storage, "--out", str(tmp_path / "out")]) == 0
    assert "validation" in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")


def test_a_search_may_choose_by_them_at_their_rhythm(tmp_path: Path) -> None:
    write_faces(tmp_path)
    text = GRID.format(folder=tmp_path)
    searched = loading.load(write_grid(tmp_path, text + SEARCH.format(least=2)))
    assert len(searched.trials) == 6
    with pytest.raises(UserError, match=r"validation/elbo_full is measured every 2 epochs"):
        loading.load(write_grid(tmp_path, text + SEARCH.format(least=1)))
