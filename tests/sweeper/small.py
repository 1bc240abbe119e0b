"""Small sweeps for tests: linear models of digits that train in a blink."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sweeper.driver.jobs import make_job
from sweeper.messages import Event, Job
from sweeper.planning.readable import describe_data
from sweeper.storage import ledger, paths
from sweeper.sweep import PlannedTrial, Sweep
from sweeper.worker.packs import pack_key, shared_keys
from sweeper.worker.worker import train_pack
from trainers import Training, Trial, checkpoint
from trainers.datasets.digits import Digits
from trainers.likelihoods.gaussian import Gaussian
from trainers.networks.linear import Linear
from trainers.networks.mlp import Mlp
from trainers.objectives.elbo import Elbo

__all__ = ["final_state", "metrics_of", "planned", "prepared", "small_sweep", "train"]


def planned(
    sigma: float = 0.1, seed: int = 1, network: str = "linear", **training: Any
) -> PlannedTrial:
    """A σ-VAE trial, resolved as `grids.load` resolves it."""
    settings = {"epochs": 4, "batch_size": 128, "checkpoint_every": 2} | training
    trial = Trial(
        objective=Elbo(),
        likelihood=Gaussian(sigma=sigma),
        network=Linear(d_z=4) if network == "linear" else Mlp(hidden=(16,), d_z=4),
        data=Digits(),
        training=Training(**settings),
        seed=seed,
    )
    name = hashlib.sha256(json.dumps(trial.identity(), sort_keys=True).encode()).hexdigest()[:16]
    params = {
        "model": "sigma_vae",
        "data": "digits",
        "sigma": sigma,
        "seed": seed,
        "epochs": settings["epochs"],
        "lr": trial.training.lr,
    }
    return PlannedTrial(
        id=name,
        lineage=f"p{name}",
        label=f"sigma_vae σ={sigma:g} seed={seed}",
        params=params,
        trial=trial,
        parameters=trial.count_parameters(),
        data={"checksum": trial.data.checksum(), "shape": [1, 8, 8], "dims": 64},
    )


def small_sweep(folder: Path, *trials: PlannedTrial, **changes: Any) -> Sweep:
    """A sweep with storage and MLflow store below `folder`."""
    sweep = Sweep(
        "demo",
        "small-1",
        trials or (planned(),),
        "experiment: demo\n",
        folder / "sweeps",
        f"sqlite:///{folder}/mlflow.db",
        folder=folder,
    )
    return replace(sweep, **changes)


def prepared(sweep: Sweep) -> list[Job]:
    """The jobs of a sweep whose storage is ready, one trial each."""
    ledger.write_sweep(sweep, {})
    ledger.write_trials(sweep)
    describe_data(sweep)
    return [make_job(sweep, [trial]) for trial in sweep.trials]


def train(sweep: Sweep, size: int = 1) -> list[Event]:
    """Train a sweep in this process, in packs of a size; returns the news."""
    news: list[Event] = []
    prepared(sweep)
    for start in range(0, len(sweep.trials), size):
        train_pack(make_job(sweep, sweep.trials[start : start + size]), news.extend)
    return news


def metrics_of(sweep: Sweep, trial: PlannedTrial) -> list[tuple[int, int, dict[str, float]]]:
    """What a trial's newest commit records, without the times."""
    commit = newest(sweep, trial)
    return [(record.epoch, record.step, record.metrics) for record in commit.records()]


def final_state(sweep: Sweep, trial: PlannedTrial) -> bytes:
    """The bytes of a trial's newest saved state."""
    return (newest(sweep, trial).folder / "state.safetensors").read_bytes()


def newest(sweep: Sweep, trial: PlannedTrial) -> checkpoint.Commit:
    commit = checkpoint.latest(paths.trial_folder(sweep.storage, trial.id))
    assert commit is not None
    return commit


def undisturbed(folder: Path, trials: Sequence[PlannedTrial], *, packed: bool = False) -> Sweep:
    """The same trials, trained without any disturbance, to compare with.

    packed : those of one small program are computed as in a pack, as `sweeper run` does where it
        has all of these trials; else each by itself, which gives other last digits.
    """
    sweep = small_sweep(folder / "undisturbed", *trials)
    prepared(sweep)
    shared = shared_keys(sweep.trials, sweep.resources) if packed else frozenset[str]()
    for trial in sweep.trials:
        train_pack(make_job(sweep, [trial], packed=pack_key(trial) in shared), lambda _: None)
    return sweep
