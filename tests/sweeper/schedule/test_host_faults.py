"""On real hosts: what is killed or cut off loses nothing, and nothing is done twice or different.

Twelve trials, compared bit for bit with those of an undisturbed run on one machine.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sweeper.grid.loading import load
from sweeper.storage import ledger, paths
from sweeper.sweep import Sweep
from tests.sweeper.mlflow_view import THIRD_PARTY
from tests.three_hosts import ADDRESSES, HEAD, NEEDS_HOSTS, Hosts, three_hosts

pytestmark = [*THIRD_PARTY, NEEDS_HOSTS, pytest.mark.slow, pytest.mark.timeout(1200)]

ROOT = Path(__file__).parents[3]
EPOCHS = 60
GRID = """
experiment: hosts
data: {{name: image_folder, folder: {data}, size: 8}}
defaults: {{network: linear, d_z: 2, epochs: {epochs}, batch_size: 8, checkpoint_every: 5}}
seeds: 3
trials:
  - {{model: sigma_vae, sigma: [0.1, 0.2, 0.3, 0.4]}}
cluster: {cluster}
"""
KEPT = """
import sys
from pathlib import Path
from sweeper.chaos.promises import equal_results, finishes, tracked_once
from sweeper.grid.loading import load
grid, storage, tracking, other = sys.argv[1:]
sweep = load(Path(grid), storage=storage, tracking=tracking)
undisturbed = load(Path(grid), storage=other, tracking=tracking)
for one in (finishes(sweep), equal_results(sweep, undisturbed), *tracked_once(sweep)):
    print(one.lost, one.of, one.text, sep="|")
"""


@dataclass(frozen=True)
class Lab:
    """Three hosts, the images to train on, and the storage of an undisturbed run."""

    hosts: Hosts
    undisturbed: Path

    def storage(self, name: str) -> Path:
        return self.hosts.folder / name / "sweeps"

    def tracking(self, name: str) -> str:
        return f"sqlite:///{self.hosts.folder}/{name}/mlflow.db"

    def grid(self, name: str, cluster: str = HEAD) -> Path:
        """The grid of a case: twelve trials. It is written once, for a driver may read it."""
        folder = self.hosts.folder / name
        folder.mkdir(exist_ok=True)
        path = folder / "grid.yaml"
        data = self.hosts.folder / "images"
        if not path.exists():
            path.write_text(GRID.format(data=data, epochs=EPOCHS, cluster=cluster))
        return path

    def sweep(self, name: str) -> Sweep:
        return load(self.grid(name), storage=str(self.storage(name)))

    def command(self, host: str, *words: str) -> list[str]:
        """A command of Python on a host, which does not see the sockets of the others' Ray."""
        masks = [f"mount -t tmpfs tmpfs {self.hosts.folder}/{one}" for one in ADDRESSES]
        own = ADDRESSES.keys() - {host}
        seen = [mask for mask in masks if mask.rpartition("/")[2] in own]
        return self.hosts.command(host, [sys.executable, *words], "; ".join(seen))

    @contextmanager
    def driver(self, name: str, grid: Path) -> Iterator[subprocess.Popen[str]]:
        """`sweeper run` on the first host, which is killed at the end of the block."""
        options = ["--storage", str(self.storage(name)), "--json"]
        options += ["--tracking", self.tracking(name)]
        with subprocess.Popen(
            self.command("cla", "-m", "sweeper", "run", str(grid), *options),
            env=self.hosts.settings(),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def epochs(self, name: str, host: str) -> int:
        """How many epochs the newest commits that a host has made are at, in all."""
        trials = self.sweep(name).trials
        commits = [ledger.newest_commit(self.storage(name), one.id) for one in trials]
        there = [one for one in commits if one and one.manifest["host"] == host]
        return sum(one.progress.epoch for one in there)

    def await_work(self, name: str, host: str, driver: subprocess.Popen[str]) -> None:
        """Wait until a host has saved epochs that it had not saved before."""
        before = self.epochs(name, host)
        while self.epochs(name, host) <= before:
            assert driver.poll() is None, driver.communicate()[1]
            time.sleep(0.05)

    def require_kept(self, name: str) -> None:
        """Every promise is kept, and only the trial that the lost node trained was begun again."""
        trials = [
            paths.trial_folder(self.storage(name), one.id) for one in self.sweep(name).trials
        ]
        assert 12 <= sum(len(list(one.glob("[0-9]*"))) for one in trials) <= 13
        words = [str(self.grid(name)), str(self.storage(name))]
        words += [self.tracking(name), str(self.undisturbed)]
        done = subprocess.run(
            self.command("cla", "-c", KEPT, *words),
            env=self.hosts.settings(),
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        rows = [line.split("|") for line in done.stdout.splitlines()]
        assert len(rows) == 5
        assert [row for row in rows if row[0] != "0" or row[1] == "0"] == []


def require_finished(driver: subprocess.Popen[str]) -> None:
    out, words = driver.communicate()
    assert driver.returncode == 0, words
    assert json.loads(out)["finished"] == 12, words


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with three_hosts() as hosts:
        rng = np.random.default_rng(0)
        for number in range(40):
            path = hosts.folder / "images" / "train" / f"{number:02}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(0, 256, (8, 8), dtype=np.uint8)).save(path)
        here = Lab(hosts, hosts.folder / "undisturbed" / "sweeps")
        with here.driver("undisturbed", here.grid("undisturbed", "local")) as driver:
            require_finished(driver)
        yield here


@pytest.fixture
def hosts(lab: Lab) -> Iterator[Hosts]:
    """The hosts, the first two of which train; what runs on them ends with the test."""
    lab.hosts.start_ray("cla")
    lab.hosts.start_ray("clb")
    yield lab.hosts
    for host in ADDRESSES:
        lab.hosts.stop(host)


def test_a_node_that_is_killed_loses_nothing(lab: Lab, hosts: Hosts) -> None:
    with lab.driver("killed", lab.grid("killed")) as driver:
        lab.await_work("killed", "clb", driver)
        hosts.stop("clb")
        require_finished(driver)
    lab.require_kept("killed")


def test_a_link_that_is_cut_for_half_a_minute_loses_nothing(lab: Lab, hosts: Hosts) -> None:
    with lab.driver("cut", lab.grid("cut")) as driver:
        lab.await_work("cut", "clb", driver)
        hosts.link("clb", "down")
        time.sleep(30)
        hosts.link("clb", "up")
        require_finished(driver)
    lab.require_kept("cut")
