"""A job whose results are in the storage is done, whatever became of its worker's words."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import ray
from ray.cluster_utils import Cluster

from cluster.existing import Existing
from sweeper.messages import Event, Job
from sweeper.schedule import in_worker, job_queue
from sweeper.schedule.nodes import Nodes
from sweeper.schedule.tune import TuneSchedule
from sweeper.worker.worker import train_pack
from tests.local_ray import own_settings
from tests.sweeper.small import newest, planned, prepared, small_sweep

pytestmark = pytest.mark.slow


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with own_settings():
        head = {"num_cpus": 1, "include_dashboard": False}
        cluster = Cluster(initialize_head=True, head_node_args=head)
        ray.init(cluster.address, log_to_driver=False)
        yield cluster
        ray.shutdown()
        cluster.shutdown()


def trains_without_a_word(config: dict[str, Any]) -> None:
    """A worker whose words do not arrive; it notes that it has begun."""
    job = Job.from_json(config["job"])
    with Path(job.storage, "tries").open("a") as tries:
        tries.write("one\n")
    train_pack(job, lambda events: None)


def silent(config: dict[str, Any]) -> None:
    """It does not end, either, as far as the driver knows."""
    trains_without_a_word(config)
    time.sleep(1_000_000)


def killed(config: dict[str, Any]) -> None:
    trains_without_a_word(config)
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("worker", [silent, killed])
def test_what_the_storage_has_is_finished_and_not_tried_again(
    cluster: Cluster,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    worker: Callable[[dict[str, Any]], None],
) -> None:
    monkeypatch.setattr(in_worker, "train", worker)
    monkeypatch.setattr(job_queue, "SILENCE", 0.5)
    trials = [planned(seed=seed) for seed in range(2)]
    sweep, news = small_sweep(tmp_path, *trials), list[Event]()
    sweep = replace(sweep, cluster=cluster.address)
    jobs = prepared(sweep)
    nodes = Nodes(sweep, lambda _: None, lambda _: None)
    nodes.admit()
    schedule = TuneSchedule(Existing(cluster.address), tmp_path / "tune", nodes=nodes)
    schedule.run(iter(jobs), sweep.resources, news.extend)
    schedule.close()
    assert [(one.trial, one.phase) for one in news] == [(one.id, "finished") for one in trials]
    assert len((sweep.storage / "tries").read_text().split()) == len(jobs)
    assert [newest(sweep, trial).attempt for trial in trials] == [1, 1]
