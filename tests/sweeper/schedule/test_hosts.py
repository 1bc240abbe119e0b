"""On real hosts: a node that is not like the driver's is left out by name, or nothing is trained.

Whatever the second host lacks, the results are those of an undisturbed run on one machine.
"""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sweeper.chaos.promises import equal_results
from sweeper.grid.loading import load
from sweeper.import_path import PACKAGES
from sweeper.storage import ledger, paths
from sweeper.sweep import Sweep
from tests.sweeper.mlflow_view import THIRD_PARTY, look
from tests.three_hosts import HEAD, NEEDS_HOSTS, Hosts, three_hosts

pytestmark = [*THIRD_PARTY, NEEDS_HOSTS, pytest.mark.slow]

ROOT = Path(__file__).parents[3]
GRID = """
experiment: hosts
data: {{name: image_folder, folder: {data}, size: 8}}
defaults: {{network: linear, d_z: 2, epochs: {epochs}, batch_size: 8}}
seeds: 1
trials:
  - {{model: sigma_vae, sigma: [0.1, 0.2, 0.3, 0.4]}}
cluster: {cluster}
"""
MEETING = """
import os, socket, time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
from trainers.evaluations import EVALUATIONS, Evaluation
from trainers.fields import Component

@EVALUATIONS.register("meeting")
@dataclass(frozen=True, kw_only=True)
class Meeting(Component):
    reference: ClassVar[str] = ""
    folder: str = ""

    def check(self, trial):
        pass

    def evaluate(self, trial, objective, model, cache=None):
        Path(self.folder, socket.gethostname()).touch()
        while len(os.listdir(self.folder)) < 2:
            time.sleep(0.05)
        return Evaluation({"met": 1.0})
"""


@dataclass(frozen=True)
class Lab:
    """Three hosts with Ray on the first, the images to train on, and an undisturbed run."""

    hosts: Hosts
    data: Path
    undisturbed: Sweep

    def grid(self, name: str, more: str = "", epochs: int = 2, cluster: str = HEAD) -> Path:
        path = self.hosts.folder / f"{name}.yaml"
        path.write_text(GRID.format(data=self.data, epochs=epochs, cluster=cluster) + more)
        return path

    def meeting(self, name: str) -> str:
        """Lines of a grid of which no host trains a second trial before two have trained one."""
        component, folder = self.hosts.folder / "meeting.py", self.hosts.folder / f"met-{name}"
        component.write_text(MEETING)
        folder.mkdir()
        return f"components: [{component}]\nevaluate: [{{meeting: {{folder: {folder}}}}}]\n"

    def sweep(self, name: str) -> Sweep:
        storage = self.hosts.folder / name / "sweeps"
        return load(self.hosts.folder / f"{name}.yaml", storage=str(storage))

    def command(self, name: str, *options: str) -> list[str]:
        """`sweeper run` on the first host, with a storage and a tracking store of its own."""
        folder = self.hosts.folder / name
        folder.mkdir(exist_ok=True)
        words = [
            "--storage",
            str(folder / "sweeps"),
            "--tracking",
            f"sqlite:///{folder}/mlflow.db",
        ]
        grid = self.hosts.folder / f"{name}.yaml"
        program = [sys.executable, "-m", "sweeper", "run", str(grid), *words, "--json", *options]
        masks = [f"mount -t tmpfs tmpfs {self.hosts.folder / one}" for one in ("clb", "clc")]
        return self.hosts.command("cla", program, "; ".join(masks))

    def run(self, name: str, *options: str) -> tuple[int, dict[str, Any], str]:
        """Exit code, outcome and messages of a run."""
        return self.answer(self.command(name, *options))

    def answer(self, command: list[str]) -> tuple[int, dict[str, Any], str]:
        """Exit code, JSON object and messages of a command."""
        done = subprocess.run(
            command,
            env=self.hosts.settings(),
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, json.loads(done.stdout or "{}"), done.stderr


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with three_hosts() as hosts:
        data = hosts.folder / "images"
        rng = np.random.default_rng(0)
        for number in range(40):
            path = data / "train" / f"{number:02}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(0, 256, (8, 8), dtype=np.uint8)).save(path)
        here = Lab(hosts, data, None)  # type: ignore[arg-type]
        here.grid("undisturbed", cluster="local")
        hosts.start_ray("cla")
        code, outcome, words = here.run("undisturbed", "--inline")
        assert (code, outcome["finished"]) == (0, 4), words
        yield Lab(hosts, data, here.sweep("undisturbed"))


@pytest.fixture
def second(lab: Lab) -> Iterator[Hosts]:
    """The hosts; what a test starts on the second one ends with it."""
    yield lab.hosts
    lab.hosts.stop("clb")


def edited(folder: Path) -> Path:
    """A copy of `trainers` whose Adam has half the rate."""
    copy = folder / "edited"
    shutil.copytree(ROOT / "trainers", copy, dirs_exist_ok=True)
    adam = copy / "optim.py"
    text = adam.read_text()
    assert text.count("lr=lr,") == 1
    adam.write_text(text.replace("lr=lr,", "lr=lr / 2,"))
    return copy


def hosts_of(sweep: Sweep) -> set[str]:
    """The hosts that trained a sweep; every trial of it is finished."""
    found = [ledger.newest_commit(sweep.storage, trial.id) for trial in sweep.trials]
    assert all(one and one.progress.status == "finished" for one in found)
    return {str(one.manifest["host"]) for one in found if one}


def require_equal(lab: Lab, name: str) -> Sweep:
    """The sweep, of which each trial is finished in storage and tracker, and as undisturbed."""
    sweep = lab.sweep(name)
    assert equal_results(sweep, lab.undisturbed).lost == 0
    seen = look(f"sqlite:///{sweep.storage.parent}/mlflow.db", "hosts")
    assert seen.statuses == {trial.id: "FINISHED" for trial in sweep.trials}
    assert not seen.repeated
    return sweep


def test_two_equal_hosts_train_what_one_does(lab: Lab, second: Hosts) -> None:
    second.start_ray("clb")
    lab.grid("equal", lab.meeting("equal"))
    code, outcome, words = lab.run("equal")
    assert (code, outcome["finished"]) == (0, 4), words
    assert "left out" not in words
    assert hosts_of(require_equal(lab, "equal")) == {"cla", "clb"}


def test_doctor_looks_at_every_node(lab: Lab, second: Hosts) -> None:
    second.start_ray("clb", f"mount --bind {edited(second.folder)} {ROOT}/trainers")
    storage = lab.hosts.folder / "looked at"
    options = ["--cluster", HEAD, "--storage", str(storage), "--json"]
    program = [sys.executable, "-m", "sweeper", "doctor", *options]
    masks = f"mount -t tmpfs tmpfs {lab.hosts.folder}/clb; cd {second.folder}"
    code, told, words = lab.answer(lab.hosts.command("cla", program, masks))
    found = {one["name"].partition(" (")[0]: one for one in told["findings"]}
    assert (code, found["Ray"]["verdict"]) == (1, "ok"), words
    assert found["node cla"]["verdict"] == "note"  # it has no folder of data sets
    assert "1 CPUs, 0 GPUs" in found["node cla"]["found"]
    assert found["node clb"]["verdict"] == "stop"
    assert found["node clb"]["found"].startswith("differs in the program (")
    assert not storage.exists()


LACKS = {
    "storage": "does not see the storage {folder}/storage/sweeps that the driver writes: mount it",
    "program": "differs in the program (",
    "data": "cannot use the data: there are no images in {folder}/images ",
    "sweeper": "cannot run this version of sweeper: ModuleNotFoundError: No module named",
}


@pytest.mark.parametrize("what", LACKS)
def test_a_host_that_lacks_something_is_left_out_by_name(
    lab: Lab, second: Hosts, what: str
) -> None:
    before = {
        "storage": f"mkdir -p {second.folder}/{what}; mount -t tmpfs tmpfs {second.folder}/{what}",
        "program": f"mount --bind {edited(second.folder)} {ROOT}/trainers",
        "data": f"mount -t tmpfs tmpfs {lab.data}",
        "sweeper": f"for one in sweeper cluster; do mount -t tmpfs tmpfs {ROOT}/$one; done",
    }
    second.start_ray("clb", before[what])
    lab.grid(what)
    code, outcome, words = lab.run(what)
    assert (code, outcome["finished"]) == (0, 4), words
    [said] = {line for line in words.splitlines() if line.startswith("node clb")}
    assert LACKS[what].format(folder=second.folder) in said
    assert said.endswith("; it is left out")
    assert hosts_of(require_equal(lab, what)) == {"cla"}


@pytest.mark.parametrize("what", ["program", "sweeper"])
def test_the_program_travels_to_a_host_that_has_another_or_none(
    lab: Lab, second: Hosts, what: str
) -> None:
    before = {
        "program": f"mount --bind {edited(second.folder)} {ROOT}/trainers",
        "sweeper": f"for one in {' '.join(PACKAGES)}; do mount -t tmpfs tmpfs {ROOT}/$one; done",
    }
    second.start_ray("clb", before[what])
    name = f"travels-{what}"
    lab.grid(name, lab.meeting(name) + "send_code: true" * (what == "program"))
    code, outcome, words = lab.run(name, *(["--send-code"] if what == "sweeper" else []))
    assert (code, outcome["finished"]) == (0, 4), words
    assert "left out" not in words
    assert hosts_of(require_equal(lab, name)) == {"cla", "clb"}


def test_nothing_is_trained_if_no_host_can(lab: Lab, second: Hosts) -> None:
    """Exit code 2, with the name of the only host that has room for a trial."""
    second.start_ray("clb", f"mount --bind {edited(second.folder)} {ROOT}/trainers", cpus=2)
    lab.grid("refused", "resources: {cpus: 2}")
    code, outcome, words = lab.run("refused")
    assert (code, outcome) == (2, {}), words
    assert re.search(
        r"no node of the cluster can train this sweep: node clb .*differs in the program", words
    )
    sweep = lab.sweep("refused")
    assert set(ledger.status(sweep.storage, [one.id for one in sweep.trials]).values()) == {
        "pending"
    }


def test_mixed_hosts_train_if_the_grid_allows_it(lab: Lab, second: Hosts) -> None:
    """Each trial, its run and the report say so."""
    second.start_ray("clb", more={"ATEN_CPU_CAPABILITY": "default"})
    lab.grid("mixed", lab.meeting("mixed") + "allow_mixed: true")
    code, outcome, words = lab.run("mixed")
    assert (code, outcome["finished"]) == (0, 4), words
    assert re.search(r"node clb .*differs in its instructions .*`allow_mixed` allows", words)
    sweep = lab.sweep("mixed")
    assert hosts_of(sweep) == {"cla", "clb"}
    commits = [ledger.newest_commit(sweep.storage, trial.id) for trial in sweep.trials]
    about = [one.manifest for one in commits if one]
    assert [one["allow_mixed"] for one in about] == [True] * 4
    assert len({one["instructions"] for one in about}) == 2
    runs = look(f"sqlite:///{sweep.storage.parent}/mlflow.db", "hosts").runs
    tags = [run.data.tags for found in runs.values() for run in found]
    assert {one["sweeper.allow_mixed"] for one in tags} == {"true"}
    assert {one["sweeper.instructions"] for one in tags} == {one["instructions"] for one in about}
    report = json.loads((Path(outcome["report"]).parent / "report.json").read_text())
    assert any("These trials mix 2 kinds" in said for said in report["summary"])


def test_a_host_that_joins_is_examined_too(lab: Lab, second: Hosts) -> None:
    """It joins a sweep that would take hours, and fails none of its trials."""
    lab.grid("joined", epochs=100_000)
    with subprocess.Popen(
        lab.command("joined"),
        env=second.settings(),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as driver:
        try:
            assert driver.stderr
            second.start_ray("clb", f"mount --bind {edited(second.folder)} {ROOT}/trainers")
            for line in driver.stderr:
                if re.search("node clb .*differs in the program", line):
                    break
            else:
                pytest.fail("the driver ended without a word of the node")
            driver.send_signal(signal.SIGINT)
            outcome = json.loads(driver.communicate()[0])
        finally:
            driver.kill()
    assert (outcome["failed"], driver.returncode) == (0, 130)
    sweep = lab.sweep("joined")
    made = [json.loads(path.read_text())["host"] for path in paths.commit_manifests(sweep.storage)]
    assert "clb" not in made
