"""A sweep that was sent to a cluster goes on without the terminal that sent it.

Another host, on which neither Ray nor the terminal is, knows it by the storage alone.
"""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cluster.jobs import ENDED
from sweeper.chaos.promises import equal_results
from sweeper.grid.loading import load
from sweeper.storage import ledger
from sweeper.storage.attempts import bring_folder
from sweeper.storage.lease import is_held
from sweeper.storage.paths import sweep_folder
from sweeper.sweep import Sweep
from tests.sweeper.bucket.object_store import BUCKET, object_store, settings_of
from tests.sweeper.mlflow_view import THIRD_PARTY, look
from tests.three_hosts import GATEWAY, NEEDS_HOSTS, Hosts, three_hosts
from tests.trainers.test_data_files import write_faces

pytestmark = [*THIRD_PARTY, NEEDS_HOSTS, pytest.mark.slow]

ROOT = Path(__file__).parents[3]
ON_BUCKET = "stopped"
GRID = """
experiment: {name}
data: frey_face
defaults: {{network: linear, d_z: 2, epochs: {epochs}, batch_size: 256}}
seeds: 1
trials:
  - {{model: sigma_vae, sigma: [0.1, 0.2, 0.3, 0.4]}}
"""


@dataclass(frozen=True)
class Cluster:
    """A Ray that takes jobs on the first host and the second, and a third host without one."""

    hosts: Hosts
    data: Path
    port: int

    def storage(self, name: str) -> str:
        """A folder that all hosts see; of the sweep `ON_BUCKET` a bucket."""
        bucket = f"s3://{BUCKET}/{name}"
        return bucket if name == ON_BUCKET else f"{self.hosts.folder}/{name}/sweeps"

    def settings(self, host: str) -> dict[str, str]:
        """What the programs of a host know of the bucket."""
        return settings_of(f"http://{GATEWAY}:{self.port}", self.hosts.folder / host / "cache")

    def options(self, name: str) -> list[str]:
        tracking = f"sqlite:///{self.hosts.folder}/{name}/mlflow.db"
        return ["--storage", self.storage(name), "--tracking", tracking]

    def grid(self, name: str, epochs: int = 2) -> Path:
        (self.hosts.folder / name).mkdir()
        path = self.hosts.folder / f"{name}.yaml"
        path.write_text(GRID.format(name=name, epochs=epochs))
        return path

    def sweep(self, name: str) -> Sweep:
        return load(self.hosts.folder / f"{name}.yaml", storage=self.storage(name))

    def command(self, host: str, *words: str) -> list[str]:
        program = [sys.executable, "-m", "sweeper", *words]
        return self.hosts.command(host, program, "; ".join(self.hosts.masks(host)))

    def call(self, host: str, *words: str) -> tuple[int, str, str]:
        """Exit code, output and messages of a command of sweeper on a host."""
        done = subprocess.run(
            self.command(host, *words),
            env=self.hosts.settings({**self.settings(host), "SWEEPER_DATA": str(self.data)}),
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    def submit(self, name: str, epochs: int = 2) -> dict[str, Any]:
        grid = self.grid(name, epochs)
        code, said, words = self.call("cla", "submit", str(grid), *self.options(name), "--json")
        assert code == 0, words
        return dict(json.loads(said))

    def elsewhere(self, command: str, name: str, *words: str) -> tuple[int, str, str]:
        """The same on the third host, which has the storage and no Ray."""
        return self.call("clc", command, name, "--storage", self.storage(name), *words)

    def counts(self, name: str) -> dict[str, int]:
        """How many trials of a sweep are in which state."""
        code, said, words = self.elsewhere("status", name, "--json")
        assert code == 0, words
        return dict(json.loads(said)["counts"])

    def wait(self, name: str, wanted: str, count: int) -> None:
        """Wait until so many trials are finished, or have a checkpoint."""
        sweep = self.sweep(name)
        while True:
            bring_folder(sweep.storage)
            found = [ledger.newest_commit(sweep.storage, trial.id) for trial in sweep.trials]
            if sum(one is not None and one.progress.status == wanted for one in found) >= count:
                return
            time.sleep(0.2)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with (
        object_store("0.0.0.0") as port,
        three_hosts() as hosts,
        pytest.MonkeyPatch.context() as patch,
    ):
        data = hosts.folder / "data"
        data.mkdir()
        write_faces(data)
        here = settings_of(f"http://127.0.0.1:{port}", hosts.folder / "cache")
        for name, value in {**here, "SWEEPER_DATA": str(data)}.items():
            patch.setenv(name, value)
        cluster = Cluster(hosts, data, port)
        hosts.start_ray("cla", more=cluster.settings("cla"), jobs=True)
        hosts.start_ray("clb", more=cluster.settings("clb"))
        yield cluster


def test_it_outlives_its_terminal(cluster: Cluster) -> None:
    """The hosts have no SWEEPER_DATA; the trials have the submitter's."""
    grid = cluster.grid("undisturbed")
    options = cluster.options("undisturbed")
    code, _, words = cluster.call("cla", "run", str(grid), *options, "--inline", "--json")
    assert code == 0, words

    grid = cluster.grid("sent")
    main, side = pty.openpty()
    submit = cluster.command("cla", "submit", str(grid), *cluster.options("sent"))
    with subprocess.Popen(
        ["setsid", "--ctty", "sh", "-c", '"$@" && echo SENT && exec sleep 1000', "sh", *submit],
        env=cluster.hosts.settings({"SWEEPER_DATA": str(cluster.data)}),
        cwd=ROOT,
        stdin=side,
        stdout=side,
        stderr=side,
    ) as terminal:
        os.close(side)
        said = b""
        while b"SENT" not in said:
            said += os.read(main, 4096)
        os.close(main)
        assert terminal.wait() == -signal.SIGHUP
    assert b"sent as the Ray job raysubmit_" in said

    cluster.wait("sent", "finished", 4)
    code, log, words = cluster.elsewhere("logs", "sent", "--follow")
    assert code == 0, words
    assert cluster.counts("sent")["finished"] == 4
    assert "4 of 4 trials finished" in log
    assert log.endswith(f"{ENDED} 0\n")
    code, _, words = cluster.elsewhere("report", "sent")
    assert code == 0, words
    sweep = cluster.sweep("sent")
    assert equal_results(sweep, cluster.sweep("undisturbed")).lost == 0
    seen = look(f"sqlite:///{sweep.storage.parent}/mlflow.db", "sent")
    assert seen.statuses == {trial.id: "FINISHED" for trial in sweep.trials}


def test_it_is_stopped_from_elsewhere(cluster: Cluster) -> None:
    """By a bucket alone, through which two hosts train; its trials are saved, its driver ends."""
    cluster.submit("stopped", epochs=100_000)
    cluster.wait("stopped", "running", 4)  # in two packs
    code, said, words = cluster.elsewhere("stop", "stopped", "--json")
    assert code == 0, words
    row = json.loads(said)
    assert (len(row["asked"]), row["running"]) == (1, [])
    assert row["counts"]["stopped"] == 4
    sweep = cluster.sweep("stopped")
    assert not is_held(sweep_folder(sweep))
    _, log, _ = cluster.elsewhere("logs", "stopped", "--follow")
    assert log.endswith(f"{ENDED} 130\n")
    tracking = f"sqlite:///{cluster.hosts.folder}/stopped/mlflow.db"
    statuses = look(tracking, "stopped").statuses
    assert "RUNNING" not in statuses.values()
