"""Which nodes of a cluster may train, and whose failures are not a trial's."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ray.tune.search import Searcher

from cluster.probe import Answer, Node
from sweeper.driver.jobs import make_job
from sweeper.errors import UserError
from sweeper.messages import Event, JobTrial
from sweeper.schedule import in_worker, tune
from sweeper.schedule import nodes as module
from sweeper.schedule.deaths import Death, DeathRecords
from sweeper.schedule.job_queue import JobQueue
from sweeper.schedule.nodes import Nodes, example_job, remarks, standard, unable
from sweeper.storage import ledger, paths
from sweeper.sweep import Sweep
from sweeper.worker.fitness import ENDING, UnfitNode, difference, examine, require_fit
from tests.sweeper.small import planned, prepared, small_sweep
from tests.trainers.test_data_files import write_faces
from trainers.datasets.frey_face import FreyFace
from trainers.provenance import machine

A, B = (Node(name * 3, name, name, f"192.0.2.{i}", {"CPU": 1.0}) for i, name in enumerate("ab"))
CRASH = Death("worker", "it crashed", True, B.address)


@dataclass
class Cluster:
    """Two nodes, and what was said of them."""

    sweep: Sweep
    alive: list[Node] = field(default_factory=lambda: [A, B])
    said: list[str] = field(default_factory=list)
    ending: set[str] = field(default_factory=set)

    def nodes(self) -> Nodes:
        return Nodes(self.sweep, self.said.append, self.said.append)


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    here = Cluster(small_sweep(tmp_path, planned(), planned(seed=2)))
    monkeypatch.setattr(module, "live_nodes", lambda: here.alive)
    monkeypatch.setattr(module, "draining_nodes", lambda: here.ending)
    return here


def test_a_node_that_cannot_train_is_left_out_at_once(cluster: Cluster) -> None:
    nodes = cluster.nodes()
    unfit = Death("unfit", "does not see the storage", True, B.address, B.id)
    assert nodes.left_out(unfit, "one")
    assert nodes.without == B.id
    assert cluster.said == ["node b does not see the storage; it is left out"]
    assert nodes.left_out(replace(CRASH), "two")  # what was on its way there is not counted either
    assert len(cluster.said) == 1


def test_a_node_without_our_modules_is_left_out_at_once(cluster: Cluster) -> None:
    nodes = cluster.nodes()
    absent = Death("worker", "ModuleNotFoundError: No module named 'x'", True, B.address)
    assert nodes.left_out(absent, "one")
    assert "cannot run this version of sweeper: ModuleNotFoundError" in cluster.said[0]


def test_two_trials_that_die_on_a_node_are_its_failure(cluster: Cluster) -> None:
    nodes = cluster.nodes()
    assert not nodes.left_out(CRASH, "one")
    assert not nodes.left_out(CRASH, "one")  # which may be the trial's own
    assert nodes.left_out(CRASH, "two")
    assert cluster.said == ["node b ended the workers of two trials (it crashed); it is left out"]


@pytest.mark.parametrize("excuse", ["finished", "memory", "alone"])
def test_what_is_not_a_nodes_failure(cluster: Cluster, excuse: str) -> None:
    nodes, death = cluster.nodes(), CRASH
    if excuse == "alone":
        cluster.alive.remove(A)
    if excuse == "memory":
        death = replace(CRASH, cause="memory")
    assert not nodes.left_out(death, "one")
    if excuse == "finished":
        nodes.finished(B.address)
    assert not nodes.left_out(death, "two")
    assert (nodes.without, cluster.said) == ("", [])


def test_without_any_node_the_sweep_ends_with_all_reasons(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = cluster.nodes()
    for node in (A, B):
        nodes.left_out(Death("unfit", "has no data", True, node.address, node.id), "one")
    with pytest.raises(UserError) as error:
        nodes.watch()
    assert error.value.message == (
        "no node of the cluster can train this sweep: node a has no data; node b has no data"
    )


def test_a_node_that_is_about_to_end_is_left_by_its_workers(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no failure of the sweep's, also if it was the only one: another one may join."""
    nodes = cluster.nodes()
    monkeypatch.setattr(nodes, "_probe", SimpleNamespace(start=list, ready=list))
    cluster.alive.remove(B)
    cluster.ending.add(A.id)
    monkeypatch.setattr(module, "LOOK_EVERY", 0.0)
    nodes.watch()
    assert nodes.without == A.id
    sign = paths.leaving_file(paths.sweep_folder(cluster.sweep), A.id)
    assert sign.is_file()
    assert cluster.said == [f"node a {ENDING}"]
    cluster.alive.clear()
    assert nodes.left_out(Death("unfit", ENDING, True, A.address, A.id), "one")
    assert len(cluster.said) == 1


def test_a_clock_and_a_full_disk_are_said(cluster: Cluster) -> None:
    found = {**examine(example_job(cluster.sweep).to_json()), "scarce": None}
    assert remarks(Answer(A, found, ahead_s=4.0)) == []
    assert remarks(Answer(A, found, ahead_s=-61.0)) == [
        "has a clock 61 s behind the driver's: set both by one server (NTP), as the times of its "
        "records are wrong"
    ]
    full = {**found, "scarce": "/tmp: 1.0 MB left, and 200.0 MB are kept free"}
    assert remarks(Answer(A, full, ahead_s=9.0))[1] == (
        "has little room for temporary files (/tmp: 1.0 MB left, and 200.0 MB are kept free): "
        "make room there"
    )


def test_a_job_carries_what_its_worker_must_find(cluster: Cluster) -> None:
    nodes = cluster.nodes()
    [job, _] = prepared(cluster.sweep)
    stamped = nodes.stamped(job)
    text = stamped.to_json()
    with pytest.raises(UnfitNode, match=f"^does not see the storage {job.storage} "):
        require_fit(text)
    paths.nonce_file(job.sweep).write_text(stamped.nonce)
    require_fit(text)
    require_fit(job.to_json())  # one of a sweep on this machine alone
    other = replace(stamped, machine={**machine(), "source": "0123456789ab"})
    with pytest.raises(UnfitNode, match=r"differs in the program .*allow_mixed: true"):
        require_fit(other.to_json())


def test_other_data_are_seen(cluster: Cluster) -> None:
    trial = cluster.sweep.trials[0]
    wrong = replace(trial, data={**trial.data, "checksum": "0123"})
    job = replace(make_job(cluster.sweep, [wrong]), nonce="12")
    paths.nonce_file(job.sweep).parent.mkdir(parents=True)
    paths.nonce_file(job.sweep).write_text("12")
    answer = Answer(B, examine(job.to_json()))
    assert unable(answer, job).startswith("cannot use the data: their checksum is ")
    assert unable(Answer(B, {}, "ImportError: x"), job).startswith("cannot run this version of")


def test_the_processor_is_ours_or_that_of_most_nodes(cluster: Cluster) -> None:
    job, own = example_job(cluster.sweep), machine()
    assert len(job.trials) == 1  # both trials have one data set

    def answer(node: Node, **changed: str) -> Answer:
        return Answer(node, {"machine": {**own, **changed}})

    others = [answer(A, cpu="x"), answer(A, cpu="y"), answer(B, cpu="y")]
    assert standard([*others, answer(B)], job) == own
    assert standard(others, job) == {**own, "cpu": "y"}
    assert standard([], job) == own
    assert difference(others[0].found, own) == f"differs in the processor (x, not {own['cpu']})"


def listener_of(queue: JobQueue, nodes: Nodes, news: list[Event]) -> tune._Listener:
    records = DeathRecords(None, [], lambda address, pid: f"words of {pid} at {address}\n")
    return tune._Listener(news.extend, records, nodes, queue, threading.Event())


def lose(listener: tune._Listener, name: str, error: Path, config: Any) -> None:
    """Tell the queue and the listener, as Tune does, that a worker has ended with an error."""
    listener._queue.on_trial_complete(name, error=True)
    lost = SimpleNamespace(trial_id=name, error_file=str(error), config=config)
    listener.on_trial_error(1, [lost], lost)


UNFIT = (
    f"Failure # 1\nray::ImplicitFunc.train() (pid=1, ip={B.address})\n"
    f"sweeper.worker.fitness.UnfitNode: {B.id} does not see the storage\n"
)
LOST = "Failure # 1\nThe actor died because its node has died. Node Id: b\n"


@pytest.mark.parametrize("error", [UNFIT, LOST], ids=["unfit", "lost"])
def test_a_job_whose_node_is_to_blame_is_tried_again_and_the_failure_not_counted(
    error: str, cluster: Cluster, tmp_path: Path
) -> None:
    """Also if it is the last one: the queue does not end before."""
    nodes, news, said = cluster.nodes(), list[Event](), tmp_path / "error.txt"
    said.write_text(error)
    [job, *_] = prepared(cluster.sweep)
    queue = JobQueue(iter([job]), {"CPU": 1.0}, nodes)
    listener = listener_of(queue, nodes, news)
    first = queue.suggest("one")
    assert first is not None
    assert json.loads(first["job"])["nonce"]
    assert queue.suggest("two") is None
    lose(listener, "one", said, first)
    again = queue.suggest("two")
    left_out = B.id if error == UNFIT else ""
    assert again == first | {"without": left_out}
    elsewhere = [{"ray.io/node-id": f"!in({B.id})"}] if left_out else None
    assert in_worker.room(again)._bound.kwargs.get("bundle_label_selector") == elsewhere
    queue.on_trial_complete("two")
    assert (queue.suggest("three"), news) == (Searcher.FINISHED, [])


def test_after_the_last_retry_it_has_failed_with_the_name_of_its_node(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody says why it died, so that it gets all room before."""
    news, nodes, error = list[Event](), cluster.nodes(), tmp_path / "error.txt"
    error.write_text(
        f"Failure # 1\nThe actor died unexpectedly before finishing this task.\n\tpid: 4711\n"
        f"\tip: {B.address}\nThe actor is dead because its worker process has died.\n"
    )
    monkeypatch.setattr(tune.ray, "nodes", lambda: [{"Alive": True, "Resources": {"CPU": 8.0}}])
    [job, *_] = prepared(cluster.sweep)
    queue = JobQueue(iter([job]), {"CPU": 1.0}, nodes)
    listener, given = listener_of(queue, nodes, news), list[Any]()
    while (config := queue.suggest(str(len(given)))) != Searcher.FINISHED:
        given.append(config)
        lose(listener, str(len(given) - 1), error, config)
    assert [one["asked"]["CPU"] for one in given] == [1.0, 1.0, 2.0, 8.0]
    assert [json.loads(one["job"])["alone"] for one in given] == [False, False, True, True]
    assert [json.loads(one["job"])["again"] for one in given] == [True, True, True, False]
    assert [event.note is None for event in news] == [False, False, True]
    assert news[-1].phase == "failed"
    assert news[-1].reason == (
        f"its worker died 4 times; its last words: words of 4711 at {B.address} (on node b)"
    )


def test_no_more_jobs_than_asked_for_are_under_way(cluster: Cluster) -> None:
    jobs = prepared(cluster.sweep)
    queue = JobQueue(iter(jobs), {"CPU": 1.0}, most=1)
    assert queue.suggest("one") is not None
    assert queue.suggest("two") is None
    queue.on_trial_complete("one")
    assert queue.suggest("two") is not None


@pytest.mark.parametrize("own", ["", "own"])
def test_a_node_without_the_variable_takes_the_drivers_data(
    own: str, tmp_path: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the driver's folder is there; a node that has the variable keeps it."""
    for name in ("own", "drivers"):
        (tmp_path / name).mkdir()
        write_faces(tmp_path / name)
    data = FreyFace()
    monkeypatch.setenv("SWEEPER_DATA", str(tmp_path / "drivers"))
    nodes = cluster.nodes()
    job = nodes.stamped(make_job(cluster.sweep, ()))
    ledger.write_file(paths.nonce_file(job.sweep), job.nonce.encode())
    one = replace(planned().trial, data=data)
    job = replace(job, trials=(JobTrial("one", one, data.checksum()),))
    monkeypatch.setenv("SWEEPER_DATA", str(tmp_path / own) if own else "")
    assert examine(job.to_json())["data"] is None
    assert os.environ["SWEEPER_DATA"] == str(tmp_path / (own or "drivers"))


def test_a_node_without_the_drivers_data_says_so(
    tmp_path: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWEEPER_DATA", str(tmp_path / "elsewhere"))
    job = cluster.nodes().stamped(make_job(cluster.sweep, ()))
    ledger.write_file(paths.nonce_file(job.sweep), job.nonce.encode())
    monkeypatch.delenv("SWEEPER_DATA")
    one = replace(planned().trial, data=FreyFace(data_seed=1))
    job = replace(job, trials=(JobTrial("one", one, "checksum"),))
    assert examine(job.to_json())["data"] == (
        f"the folder {tmp_path}/elsewhere, which SWEEPER_DATA names for the driver, is not there: "
        "mount it, or set SWEEPER_DATA for the Ray of that host"
    )
