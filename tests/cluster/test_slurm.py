"""A sweep in a Slurm job is saved before the time limit, queued again, and loses nothing."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.slurm_job import others_step
from sweeper.chaos.promises import equal_results
from sweeper.grid.loading import load
from sweeper.storage import ledger
from sweeper.storage.paths import sweep_folder
from sweeper.storage.signs import StopSign
from sweeper.sweep import Sweep
from tests.slurm_hosts import NEEDS_SLURM, NODES, RUNNING, Slurm, slurm_on
from tests.sweeper.grids import write_grid
from tests.sweeper.mlflow_view import THIRD_PARTY, look
from tests.three_hosts import NEEDS_HOSTS, three_hosts

pytestmark = [*THIRD_PARTY, NEEDS_HOSTS, NEEDS_SLURM, pytest.mark.slow, pytest.mark.timeout(900)]

GRID = """
experiment: Größe der Welt
components: [gate.py]
data: digits
defaults: {network: linear, d_z: 2, epochs: 20, batch_size: 64}
seeds: 1
trials:
  - {model: sigma_vae, sigma: [0.1, 0.2, 0.3, 0.4]}
resources: {pack: 1}
evaluate: [gate]
"""
BESIDE = """
experiment: beside
data: digits
defaults: {network: linear, d_z: 2, epochs: 2, batch_size: 64}
trials:
  - {model: sigma_vae, sigma: 0.1}
"""
GATE = '''
"""An evaluation that waits while a file is there."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from trainers.evaluations import EVALUATIONS, Evaluation
from trainers.fields import Component


@EVALUATIONS.register("gate")
@dataclass(frozen=True, kw_only=True)
class Gate(Component):
    """Nothing of the model."""

    reference: ClassVar[str] = "none"

    def check(self, trial):
        pass

    def evaluate(self, trial, objective, model, cache=None):
        while Path(FILE).exists():
            time.sleep(0.05)
        return Evaluation({"gate": 0.0}, [{"gate": 0}])
'''


ASK = 'echo "given $(hostname) $CUDA_VISIBLE_DEVICES"'


@pytest.fixture
def slurm() -> Iterator[Slurm]:
    with three_hosts() as hosts, slurm_on(hosts) as slurm:
        yield slurm


def options(folder: Path) -> list[str]:
    return ["--storage", f"{folder}/sweeps", "--tracking", f"sqlite:///{folder}/mlflow.db"]


def hosts_of(sweep: Sweep) -> set[str]:
    """The hosts on which trials have been saved."""
    commits = [ledger.newest_commit(sweep.storage, trial.id) for trial in sweep.trials]
    return {str(one.manifest["host"]) for one in commits if one}


def log_of(folder: Path) -> str:
    return "".join(path.read_text() for path in folder.glob("groe-der-welt-*.log"))


def test_it_is_queued_again_before_its_time_limit_and_goes_on(slurm: Slurm) -> None:
    """No trial has room to start before the gate opens but the first on each node.

    When both are saved another job runs beside it. Then the limit is brought near, so that Slurm
    itself gives the warning, however long it took; the job that is queued again has time enough.
    """
    folder = slurm.hosts.folder
    grid, gate = write_grid(folder, GRID), folder / "closed"
    (folder / "gate.py").write_text(f"FILE = {str(gate)!r}\n{GATE}")
    sweeper = [sys.executable, "-P", "-m", "sweeper"]
    slurm.call(*sweeper, "run", str(grid), "--inline", *options(folder / "undisturbed"))

    gate.touch()
    words = ["cluster", "slurm", str(grid), "--nodes", "2", "--time", "60", "--warning", "1700"]
    job = slurm.queue(slurm.call(*sweeper, *words, *options(folder / "queued")))
    sweep = load(str(grid), storage=f"{folder}/queued/sweeps")
    while not hosts_of(sweep) >= set(NODES):
        assert slurm.job(job)["JobState"] in RUNNING, log_of(folder)
    (folder / "other").mkdir()
    beside = ["cluster", "slurm", str(write_grid(folder / "other", BESIDE)), "--nodes", "1"]
    other = slurm.queue(slurm.call(*sweeper, *beside, *options(folder / "other")))
    assert slurm.wait_for_end(other)["JobState"] == "COMPLETED"
    assert slurm.job(job)["JobState"] == "RUNNING"
    slurm.limit(job, minutes_left=10)
    while not StopSign(sweep_folder(sweep)).is_up() and slurm.job(job)["Restarts"] == "0":
        assert slurm.job(job)["JobState"] in RUNNING, log_of(folder)
    gate.unlink()
    while slurm.job(job)["Restarts"] == "0":
        assert slurm.job(job)["JobState"] in RUNNING, log_of(folder)
    slurm.limit(job, minutes_left=60)

    ended = slurm.wait_for_end(job)
    log = log_of(folder)
    assert ended["JobState"] == "COMPLETED", log
    assert log.count("queued again") == int(ended["Restarts"]) > 0
    assert "4 of 4 trials finished" in log
    undisturbed = load(str(grid), storage=f"{folder}/undisturbed/sweeps")
    assert equal_results(sweep, undisturbed).lost == 0
    seen = look(f"sqlite:///{folder}/queued/mlflow.db", sweep.experiment)
    assert seen.statuses == {trial.id: "FINISHED" for trial in sweep.trials}
    assert not seen.repeated


def test_each_node_has_the_gpus_that_slurm_gives(slurm: Slurm) -> None:
    """One of two, for the driver's node and for the step by which the others join its Ray.

    A kind that no node has is refused.
    """
    folder, grid = slurm.hosts.folder, write_grid(slurm.hosts.folder, BESIDE)
    words = ["cluster", "slurm", str(grid), "--nodes", "2", "--time", "60", *options(folder)]
    asked = [sys.executable, "-P", "-m", "sweeper", *words]
    refused = slurm.run(*asked, "--gpus", "h100:1", "--submit")
    assert refused.returncode == 2
    assert "Slurm does not take the script" in refused.stderr
    *lines, _ = slurm.call(*asked, "--gpus", "a100:1").splitlines()
    step = shlex.join(["srun", *others_step(1), "sh", "-c", ASK])
    job = slurm.queue("\n".join([*lines, ASK, step, ""]))
    assert slurm.wait_for_end(job)["JobState"] == "COMPLETED"
    [log] = [path.read_text() for path in folder.glob("beside-*.log")]
    given = [line for line in log.splitlines() if line.startswith("given ")]
    assert given == [f"given {host} 0" for host in NODES]
