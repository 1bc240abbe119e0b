"""On real hosts: whatever is killed or cut off, nothing is lost, done twice or different.

Twelve trials, compared bit for bit with those of an undisturbed run on one machine.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sweeper.chaos.promises import equal_results, tracked_once
from sweeper.grid.loading import load
from sweeper.storage import ledger, paths
from sweeper.sweep import Sweep
from tests.sweeper.mlflow_view import THIRD_PARTY, look
from tests.three_hosts import ADDRESSES, HEAD, NEEDS_HOSTS, Hosts, three_hosts

pytestmark = [*THIRD_PARTY, NEEDS_HOSTS, pytest.mark.slow]

ROOT = Path(__file__).parents[3]
EPOCHS = 60
GRID = """
experiment: hosts
data: {{name: image_folder, folder: {data}, size: 8}}
defaults: {{network: linear, d_z: 2, epochs: {epochs}, batch_size: 8, checkpoint_every: 5}}
seeds: {seeds}
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

    def grid(self, name: str, cluster: str = HEAD, seeds: int = 3) -> Path:
        """The grid of a case: twelve trials with three seeds."""
        folder = self.hosts.folder / name
        folder.mkdir(exist_ok=True)
        path = folder / f"{seeds}.yaml"
        data = self.hosts.folder / "images"
        if not path.exists():  # a driver may read it
            path.write_text(GRID.format(data=data, epochs=EPOCHS, cluster=cluster, seeds=seeds))
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
    def driver(
        self, name: str, grid: Path, host: str = "cla", tracking: str = ""
    ) -> Iterator[subprocess.Popen[str]]:
        """`sweeper run` on a host, which is killed at the end of the block."""
        options = ["--storage", str(self.storage(name)), "--json"]
        options += ["--tracking", tracking or self.tracking(name)]
        with subprocess.Popen(
            self.command(host, "-m", "sweeper", "run", str(grid), *options),
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

    def run(self, name: str, host: str = "cla", tracking: str = "") -> None:
        """The same command once more, which must finish the sweep."""
        with self.driver(name, self.grid(name), host, tracking) as driver:
            require_finished(driver)

    def workers(self, name: str) -> list[str]:
        """The hosts that have made the newest commits of the trials."""
        trials = self.sweep(name).trials
        commits = [ledger.newest_commit(self.storage(name), one.id) for one in trials]
        return [one.manifest["host"] for one in commits if one]

    def await_work(self, name: str, driver: subprocess.Popen[str]) -> str:
        """Wait until a host has saved an epoch, and return its name."""
        while not (found := self.workers(name)):
            assert driver.poll() is None, driver.communicate()[1]
            time.sleep(0.05)
        return found[0]

    def require_kept(self, name: str, tracking: str = "") -> None:
        """Every promise about the sweep is kept, as seen from the first host."""
        words = [str(self.grid(name)), str(self.storage(name))]
        words += [tracking or self.tracking(name), str(self.undisturbed)]
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


def require_finished(driver: subprocess.Popen[str], trials: int = 12) -> dict[str, Any]:
    out, words = driver.communicate()
    assert driver.returncode == 0, words
    found: dict[str, Any] = json.loads(out)
    assert found["finished"] == trials, words
    return found


@contextmanager
def none_repeated(lab: Lab, name: str) -> Iterator[Callable[[], None]]:
    """Trials that were finished when the function was called are not trained in the block."""
    finished: dict[str, list[str]] = {}

    def attempts(trial: str) -> list[str]:
        folder = paths.trial_folder(lab.storage(name), trial)
        return sorted(one.name for one in folder.glob("[0-9]*"))

    def note() -> None:
        trials = [trial.id for trial in lab.sweep(name).trials]
        states = ledger.status(lab.storage(name), trials)
        finished.update({one: attempts(one) for one in trials if states[one] == "finished"})

    yield note
    assert {one: attempts(one) for one in finished} == finished


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with three_hosts() as hosts:
        hosts.folder.chmod(0o711)  # PostgreSQL runs as a user of its own
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
def hosts(lab: Lab, request: pytest.FixtureRequest) -> Iterator[Hosts]:
    """The hosts, the first two of which train, or those of `cores`; at the end nothing runs."""
    try:
        for host, cpus in getattr(request, "param", {"cla": 1, "clb": 1}).items():
            lab.hosts.start_ray(host, cpus=cpus)
        yield lab.hosts
    finally:
        for host in ADDRESSES:
            lab.hosts.stop(host)


def cores(**cpus: int) -> pytest.MarkDecorator:
    """The hosts that have a Ray in a test, in the order of their start, and their cores."""
    return pytest.mark.parametrize("hosts", [cpus], ids=["-".join(cpus)], indirect=True)


@cores(cla=0, clb=1, clc=1)
def test_a_node_that_is_killed_loses_nothing(lab: Lab, hosts: Hosts) -> None:
    with lab.driver("killed", lab.grid("killed")) as driver, none_repeated(lab, "killed") as note:
        worker = lab.await_work("killed", driver)
        note()
        hosts.stop(worker)
        require_finished(driver)
    lab.require_kept("killed")


@cores(cla=0, clb=1)
def test_a_node_that_is_back_trains_again(lab: Lab, hosts: Hosts) -> None:
    """The head trains nothing, so that the sweep waits for the only node that does."""
    with lab.driver("back", lab.grid("back")) as driver, none_repeated(lab, "back") as note:
        assert lab.await_work("back", driver) == "clb"
        hosts.stop("clb")
        note()
        hosts.start_ray("clb")
        require_finished(driver)
    lab.require_kept("back")


@cores(cla=0, clb=1, clc=1)
def test_a_link_that_is_cut_for_half_a_minute_loses_nothing(lab: Lab, hosts: Hosts) -> None:
    with lab.driver("cut", lab.grid("cut")) as driver, none_repeated(lab, "cut") as note:
        worker = lab.await_work("cut", driver)
        note()
        hosts.link(worker, "down")
        time.sleep(30)
        hosts.link(worker, "up")
        require_finished(driver)
    lab.require_kept("cut")


@cores(cla=1, clb=1, clc=0)
def test_a_driver_on_a_host_that_trains_nothing(lab: Lab, hosts: Hosts) -> None:
    with lab.driver("third", lab.grid("third"), "clc") as driver:
        require_finished(driver)
    assert "clc" not in lab.workers("third")
    lab.require_kept("third")


@cores(cla=1, clb=1, clc=0)
def test_a_head_that_is_lost_ends_the_driver_and_the_command_goes_on(
    lab: Lab, hosts: Hosts
) -> None:
    with none_repeated(lab, "head") as note:
        with lab.driver("head", lab.grid("head"), "clc") as driver:
            lab.await_work("head", driver)
            hosts.stop("cla")
            _, words = driver.communicate()
            assert driver.returncode not in (0, None), words
        note()
        hosts.stop("clb")
        hosts.stop("clc")
        for host in ("cla", "clb"):
            hosts.start_ray(host)
        lab.run("head")
    lab.require_kept("head")


def test_two_drivers_share_what_both_ask_for(lab: Lab, hosts: Hosts) -> None:
    """A sweep of twelve trials and one of eight of them, at once."""
    more, fewer = lab.grid("two"), lab.grid("two", seeds=2)
    with lab.driver("two", more) as first, lab.driver("two", fewer) as second:
        require_finished(first)
        require_finished(second, 8)
    folders = [paths.trial_folder(lab.storage("two"), one.id) for one in lab.sweep("two").trials]
    assert [len(list(one.glob("[0-9]*"))) for one in folders] == [1] * 12
    seen, undisturbed = look(lab.tracking("two"), "hosts"), lab.sweep("undisturbed")
    sweep = replace(lab.sweep("two"), tracking=lab.tracking("two"))
    once, ended, _ = tracked_once(sweep)
    assert [(one.lost, bool(one.of)) for one in (once, ended)] == [(0, True)] * 2
    assert (len(seen.statuses), len(seen.parents)) == (12, 2)
    assert equal_results(sweep, undisturbed).lost == 0


def test_a_tracker_that_is_killed_with_its_postgresql_gets_all(lab: Lab, hosts: Hosts) -> None:
    folder = hosts.folder / "server"
    up = ["-m", "sweeper", "server", "up", "--folder", str(folder), "--port", "5055"]

    def start() -> None:
        subprocess.run(
            lab.command("cla", *up, "--store", "postgresql"),
            env=hosts.settings(),
            cwd=ROOT,
            check=True,
        )

    start()
    uri = "http://127.0.0.1:5055"
    with lab.driver("server", lab.grid("server"), tracking=uri) as driver:
        lab.await_work("server", driver)
        os.killpg(json.loads((folder / "process.json").read_text())["pid"], signal.SIGKILL)
        [database, *_] = (folder / "postgres/data/postmaster.pid").read_text().splitlines()
        os.kill(int(database), signal.SIGKILL)
        start()
        _, words = driver.communicate()
        assert driver.returncode in (0, 3), words  # 3: it ended before the tracker was back
    lab.run("server", tracking=uri)
    lab.require_kept("server", uri)
