"""On a cluster whose nodes differ, packs are placed by what they ask for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import ray
from ray.cluster_utils import Cluster

from cluster.existing import Existing
from cluster.probe import live_nodes
from sweeper.messages import Event, Job
from sweeper.resources import Resources
from sweeper.schedule import in_worker
from sweeper.schedule.nodes import Nodes
from sweeper.schedule.tune import TuneSchedule
from sweeper.storage.paths import leaving_file
from sweeper.worker import gpu_share
from sweeper.worker.fitness import ENDING
from sweeper.worker.training import PackTraining
from tests.local_ray import own_settings
from tests.sweeper.small import (
    final_state,
    metrics_of,
    newest,
    planned,
    prepared,
    small_sweep,
    undisturbed,
)
from trainers import Pack

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A head, and two nodes that say they have GPUs: one T4, and two A100."""
    with own_settings():
        head = {"num_cpus": 1, "include_dashboard": False}
        cluster = Cluster(initialize_head=True, head_node_args=head)
        kinds = [("T4", 1, {}), ("A100", 2, {"licence": 2})]
        for kind, gpus, more in kinds:
            own = {f"accelerator_type:{kind}": 1, **more}
            cluster.add_node(num_cpus=4, num_gpus=gpus, resources=own, memory=4_000_000_000)
        ray.init(cluster.address, log_to_driver=False)
        yield cluster
        ray.shutdown()
        cluster.shutdown()


@pytest.fixture
def there(cluster: Cluster) -> Existing:
    """It; a schedule leaves a Ray that was there before it."""
    return Existing(cluster.address)


def placed(config: dict[str, Any]) -> None:
    """A worker that notes where it is, and to which share of a GPU it keeps."""
    job, context, shares = Job.from_json(config["job"]), ray.get_runtime_context(), list[float]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gpu_share, "keep_to_share", shares.append)
        in_worker.train(config)
    about = {
        "node": context.get_node_id(),
        "gpus": os.environ["CUDA_VISIBLE_DEVICES"],
        "shares": shares,
    }
    Path(job.storage, f"{job.trials[0].id}.json").write_text(json.dumps(about))


def test_packs_of_half_a_gpu_share_those_of_the_kind_that_is_asked_for(
    there: Existing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_worker, "train", placed)
    trials = [planned(seed=seed) for seed in range(4)]
    sweep, news = small_sweep(tmp_path, *trials), list[Event]()
    schedule = TuneSchedule(there, tmp_path / "tune")
    resources = Resources(0.5, 0.5, memory_gb=0.5, gpu_type="A100", custom={"licence": 0.5})
    schedule.run(iter(prepared(sweep)), resources, news.extend)
    [fit] = [node for node in ray.nodes() if "accelerator_type:A100" in node["Resources"]]  # type: ignore[no-untyped-call]
    found = [json.loads((sweep.storage / f"{one.id}.json").read_text()) for one in trials]
    assert {one["node"] for one in found} == {fit["NodeID"]}
    assert [one["shares"] for one in found] == [[0.5]] * 4
    assert {one["gpus"] for one in found} <= {"0", "1"}
    other = undisturbed(tmp_path, trials)
    assert [metrics_of(sweep, one) for one in trials] == [metrics_of(other, one) for one in trials]
    assert schedule.places(resources) == 4
    assert schedule.places(Resources(gpus=0.5)) == 6
    assert schedule.places(Resources(gpus=0.5, max_concurrent=5)) == 5
    schedule.close()


def test_what_no_node_has_is_said_at_once(there: Existing, tmp_path: Path) -> None:
    said = list[str]()
    schedule = TuneSchedule(there, tmp_path / "tune", said.append)
    schedule.require_room(Resources(gpus=2, gpu_type="A100"))
    assert said == []
    schedule.require_room(Resources(gpus=2, gpu_type="T4"))
    [text] = said
    assert text.startswith("waiting for room: a trial asks for cpus: 1, gpus: 2 and gpu_type: T4")
    assert "has cpus: 4, gpus: 2 and gpu_type: A100" in text
    assert "has cpus: 4, gpus: 1 and gpu_type: T4" in text
    schedule.close()


def counted(config: dict[str, Any]) -> None:
    """A worker that notes how many are busy; the first waits for a second one."""
    job = Job.from_json(config["job"])
    folder = Path(job.storage, "busy")
    own = folder / job.trials[0].id
    own.touch()
    while (busy := len(list(folder.iterdir()))) < 2 and not Path(job.storage, "two").exists():
        time.sleep(0.01)
    Path(job.storage, "two").touch()
    with Path(job.storage, "counts").open("a") as counts:
        counts.write(f"{busy}\n")
    in_worker.train(config)
    own.unlink()


def test_no_more_packs_than_asked_for_train_at_once(
    there: Existing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nine cores could train all of them."""
    monkeypatch.setattr(in_worker, "train", counted)
    sweep = small_sweep(tmp_path, *[planned(seed=seed) for seed in range(5)])
    jobs, news = prepared(sweep), list[Event]()
    (sweep.storage / "busy").mkdir()
    schedule = TuneSchedule(there, tmp_path / "tune")
    schedule.run(iter(jobs), Resources(max_concurrent=2), news.extend)
    schedule.close()
    counts = [int(line) for line in (sweep.storage / "counts").read_text().split()]
    assert (len(counts), max(counts)) == (5, 2)
    assert sum(event.phase == "finished" for event in news) == 5


def staying(config: dict[str, Any]) -> None:
    """A worker on the node that the test drains stays there, after three epochs, until it leaves.

    The others begin when it is so far, as they would train its trial before it begins.
    """
    job, here = Job.from_json(config["job"]), ray.get_runtime_context().get_node_id()
    run_epoch, storage = PackTraining._run_epoch, Path(job.storage)
    stays, leaving = storage / "stays", leaving_file(job.sweep, here)
    drained = here == (storage / "drained").read_text()

    def run_and_stay(training: PackTraining, pack: Pack) -> None:
        run_epoch(training, pack)
        if pack.epoch == 3 and drained:
            stays.write_text(job.trials[0].id)
        while not (leaving if pack.epoch == 3 and drained else stays).exists() and pack.epoch > 2:
            time.sleep(0.01)

    PackTraining._run_epoch = run_and_stay  # type: ignore[method-assign]
    try:
        in_worker.train(config)
    finally:
        PackTraining._run_epoch = run_epoch  # type: ignore[method-assign]


def drain(address: str, node: str, after: Path) -> None:
    """Announce the end of a node, once the file is there."""
    while not after.exists():
        time.sleep(0.01)
    command = [str(Path(sys.executable).with_name("ray")), "drain-node", "--address", address]
    command += ["--node-id", node, "--reason", "DRAIN_NODE_REASON_PREEMPTION"]
    subprocess.run([*command, "--reason-message", "spot"], check=True)


def test_what_trains_on_a_node_that_is_drained_goes_on_elsewhere_and_loses_nothing(
    cluster: Cluster, there: Existing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its workers save at once, long before the next checkpoint, and nothing counts as failed."""
    monkeypatch.setattr(in_worker, "train", staying)
    node = cluster.add_node(num_cpus=3).node_id
    before = live_nodes()
    trials = [planned(seed=seed, epochs=6, checkpoint_every=50) for seed in range(3)]
    sweep, news, said = small_sweep(tmp_path, *trials), list[Event](), list[str]()
    sweep = replace(sweep, resources=Resources(cpus=3), cluster=cluster.address)
    jobs = prepared(sweep)
    (sweep.storage / "drained").write_text(node)
    nodes = Nodes(sweep, said.append, said.append)
    nodes.admit()
    schedule = TuneSchedule(there, tmp_path / "tune", said.append, nodes)
    after = sweep.storage / "stays"
    thread = threading.Thread(target=drain, args=(cluster.address, node, after), daemon=True)
    thread.start()
    schedule.run(iter(jobs), sweep.resources, news.extend)
    schedule.close()
    thread.join()
    assert [text for text in said if ENDING in text] == [
        f"node {one.name} {ENDING}" for one in before if one.id == node
    ]
    [moved] = [trial for trial in trials if trial.id == after.read_text()]
    commit = newest(sweep, moved)
    assert (commit.attempt, commit.manifest["parent"]) == (2, "0001/000003")
    assert sum(event.phase == "finished" for event in news) == 3
    assert not [event for event in news if event.phase in ("failed", "stopped")]
    other = undisturbed(tmp_path, trials)
    for trial in trials:
        assert metrics_of(sweep, trial) == metrics_of(other, trial)
        assert final_state(sweep, trial) == final_state(other, trial)
