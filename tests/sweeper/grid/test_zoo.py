"""`zoo-small`: every model, from one grid, trained on Ray, evaluated, finished and drawn."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from sweeper.grid.grid_files import shipped_grids
from sweeper.grid.loading import load
from sweeper.grid.models import MODELS
from sweeper.planning.capacity import estimate, parallel, wall_seconds
from sweeper.storage import paths
from sweeper.storage.evaluations import read_evaluations
from sweeper.sweep import Sweep
from tests.sweeper.grids import trials_of
from tests.sweeper.mlflow_view import THIRD_PARTY, look
from trainers import checkpoint
from trainers.corruptions import CORRUPTIONS
from trainers.fields import describe_fields

pytestmark = THIRD_PARTY
FIVE_MINUTES = 300
HEAD = "experiment: test\ndata: digits\nseeds: 1\ntrials:\n"


def zoo(folder: Path) -> Sweep:
    return load(
        "zoo-small", storage=str(folder / "sweeps"), tracking=f"sqlite:///{folder}/mlflow.db"
    )


def test_the_zoo_has_every_model_and_asks_each_something(tmp_path: Path) -> None:
    trials = zoo(tmp_path).trials
    assert {trial.params["model"] for trial in trials} == {model.name for model in MODELS}
    assert all(trial.evaluate for trial in trials)
    asked = {one.name for trial in trials for one in trial.evaluate}
    assert asked >= {"denoising", "nll", "active_units", "samples"}


def test_the_zoo_is_planned_for_less_than_five_minutes_on_two_cores(tmp_path: Path) -> None:
    sweep = zoo(tmp_path)
    seconds = [estimate(trial.trial, trial.parameters).seconds for trial in sweep.trials]
    assert wall_seconds(seconds, min(2, parallel(sweep.resources, 2))) < FIVE_MINUTES / 3


@pytest.mark.slow
def test_every_model_finishes_on_ray_with_finite_metrics_and_pictures(tmp_path: Path) -> None:
    sweep = zoo(tmp_path)
    command = [
        sys.executable,
        "-m",
        "sweeper",
        "run",
        "zoo-small",
        "--json",
        "--storage",
        str(sweep.storage),
        "--tracking",
        sweep.tracking,
    ]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "RAY_USAGE_STATS_ENABLED": "0"},
    )
    assert done.returncode == 0, done.stderr
    [told] = [line for line in done.stdout.splitlines() if line.startswith("{")]
    outcome = json.loads(told)
    assert (outcome["finished"], outcome["failed"]) == (len(sweep.trials), 0)
    seen, client = look(sweep.tracking, "zoo-small"), MlflowClient(tracking_uri=sweep.tracking)
    assert seen.statuses == {trial.id: "FINISHED" for trial in sweep.trials}
    for trial in sweep.trials:
        commit = checkpoint.latest(paths.trial_folder(sweep.storage, trial.id))
        assert commit is not None
        stored = read_evaluations(sweep.storage, trial.id)
        assert {one.name for one in stored} == {one.name for one in trial.evaluate}
        values = [value for one in [*commit.records(), *stored] for value in one.metrics.values()]
        assert all(math.isfinite(value) for value in values)
        assert "gallery.png" in seen.artifacts[trial.id]
        drawn = {
            f"evaluations/{one.name}-{name}.png" for one in stored for name in one.load_pictures()
        }
        assert drawn
        [shown] = seen.runs[trial.id]
        files = client.list_artifacts(shown.info.run_id, "evaluations")
        assert drawn <= {file.path for file in files if (file.file_size or 0) > 0}


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_every_corruption_is_planned(corruption: str) -> None:
    given = {
        field.name: 0.1 for field in describe_fields(CORRUPTIONS[corruption]) if field.required
    }
    noise = json.dumps({"name": corruption} | given)
    (trial,) = trials_of(HEAD + f"  - {{model: dvae, network: mlp, corruption: {noise}}}\n")
    assert estimate(trial.trial, trial.parameters).seconds > 0


def test_the_zoo_is_shipped() -> None:
    assert "zoo-small" in shipped_grids()
