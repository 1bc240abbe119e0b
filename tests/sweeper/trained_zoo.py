"""A small sweep of trained models for the commands that draw: trained once for all tests."""

from __future__ import annotations

import functools
import io
import tempfile
from dataclasses import replace
from pathlib import Path

from mlflow.tracking import MlflowClient
from rich.console import Console

from sweeper.driver.run import RunOptions, run
from sweeper.sweep import PlannedTrial, Sweep
from tests.sweeper.grids import trials_of
from tests.sweeper.small import small_sweep

__all__ = ["id_of", "pictures_of", "trained_sweep"]

GRID = """\
experiment: demo
data: digits
defaults: {epochs: 1, batch_size: 256}
seeds: 1
trials:
  - {model: sigma_vae, sigma: [0.1, 0.2], network: mlp, hidden: [8], decoder_hidden: [8], d_z: 2}
  - {model: uvb, sigma: 0.2, network: mlp, hidden: [8], decoder_hidden: [8], d_z: 2, samples: 2}
  - {model: deen, sigma: 0.2, network: quadratic}
  - {model: dvae, network: mlp, hidden: [8], decoder_hidden: [8], d_z: 2,
     corruption: {name: salt_and_pepper, p: 0.1}}
  - {model: sigma_vae, sigma: 0.3, network: mlp, hidden: [8], decoder_hidden: [8], d_z: 2,
     lr: 1e30}
  - {model: sigma_vae, sigma: 0.1, network: linear, d_z: 2, data: linear_gaussian}
"""


@functools.cache
def trained_sweep() -> Sweep:
    """Trained in this process and shown in a SQLite store, below a temporary folder."""
    folder = Path(tempfile.mkdtemp(prefix="sweeper-trained-"))
    sweep = replace(small_sweep(folder, *trials_of(GRID)), grid=GRID)
    run(sweep, RunOptions(inline=True, live=False, console=Console(file=io.StringIO())))
    return sweep


def id_of(model: str, **params: object) -> str:
    """The id of the first trial of a model, with these parameters."""

    def fits(trial: PlannedTrial) -> bool:
        return all(trial.params.get(key) == value for key, value in params.items())

    return next(
        trial.id
        for trial in trained_sweep().trials
        if trial.params["model"] == model and fits(trial)
    )


def pictures_of(run: str) -> set[str]:
    """The names of the pictures that a run of the sweep shows."""
    client = MlflowClient(tracking_uri=trained_sweep().tracking)
    return {Path(one.path).name for one in client.list_artifacts(run, "pictures")}
