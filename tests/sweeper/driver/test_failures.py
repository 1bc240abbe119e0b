"""Failures are told apart: too little memory, a lost node, a mistake in the code."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console

from sweeper.driver.jobs import make_job
from sweeper.driver.run import RunOptions, run
from sweeper.errors import UserError
from sweeper.resources import Resources
from sweeper.schedule.cluster_room import require_room, roomier
from sweeper.storage import ledger
from sweeper.worker import probing, training
from sweeper.worker.worker import TrialOutOfMemoryError, train_pack
from tests.sweeper.mlflow_view import READY, look
from tests.sweeper.small import (
    metrics_of,
    newest,
    planned,
    prepared,
    small_sweep,
    train,
    undisturbed,
)
from trainers import Pack
from trainers.record import Record

pytestmark = READY


def raises(monkeypatch: pytest.MonkeyPatch, error: Exception, above: int) -> list[int]:
    """Packs of more than `above` members raise in their second epoch; the sizes of all packs."""
    whole, sizes = Pack.run_epoch, list[int]()

    def run_epoch(pack: Pack) -> dict[int, Record]:
        if not pack.epoch:
            sizes.append(len(pack.trials))
        if pack.epoch == 1 and len(pack.trials) > above:
            raise error
        return whole(pack)

    monkeypatch.setattr(Pack, "run_epoch", run_epoch)
    monkeypatch.setattr(probing, "_FOUND", {})
    return sizes


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory."),
        RuntimeError("[enforce fail] can't allocate memory: 9 bytes"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    ],
)
def test_a_pack_too_large_for_the_memory_gets_smaller(
    tmp_path: Path, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = raises(monkeypatch, error, above=2)
    sweep = small_sweep(tmp_path, *[planned(seed=seed) for seed in range(4)])
    last = {event.trial: event.phase for event in train(sweep, size=4)}
    assert set(last.values()) == {"finished"}
    assert sizes == [4, 2, 2]


def test_later_packs_are_no_larger_than_what_had_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the same program in the same process; another program is tried whole."""
    sizes = raises(monkeypatch, MemoryError(), above=2)
    sweep = small_sweep(tmp_path, *[planned(seed=seed) for seed in range(10)])
    last = {event.trial: event.phase for event in train(sweep, size=5)}
    assert set(last.values()) == {"finished"}
    assert sizes == [5, 3, 2, 1, 2, *(2, 2, 1)]
    train(small_sweep(tmp_path, *[planned(network="mlp", seed=s) for s in range(3)]), size=3)
    assert sizes[8:] == [3, 2, 1]


def test_a_trial_too_large_alone_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raises(monkeypatch, torch.OutOfMemoryError("CUDA out of memory. Tried to"), above=0)
    sweep = small_sweep(tmp_path)
    assert str(train(sweep)[-1].reason).startswith(
        "out of memory (CUDA out of memory. Tried to); a smaller batch_size or network needs less"
    )
    failed = ledger.failure(sweep.storage, sweep.trials[0].id)
    assert failed is not None
    assert (failed.kind, failed.repeats) == ("memory", False)
    monkeypatch.undo()
    assert train(sweep)[-1].phase == "finished"


def test_a_job_whose_pack_was_too_large_trains_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = raises(monkeypatch, MemoryError(), above=1)
    sweep = small_sweep(tmp_path, planned(), planned(seed=2))
    prepared(sweep)
    job = make_job(sweep, sweep.trials)
    alone = type(job).from_json(job.to_json().replace('"alone": false', '"alone": true'))
    train_pack(alone, lambda events: None)
    assert sizes == [1, 1]
    other = undisturbed(tmp_path, sweep.trials)
    assert [metrics_of(sweep, trial) for trial in sweep.trials] == [
        metrics_of(other, trial) for trial in sweep.trials
    ]


def test_a_trial_too_large_alone_is_left_to_a_schedule_that_has_more_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It keeps its checkpoint, fails only where there is no more room, and is no other trial."""
    sweep = small_sweep(tmp_path, planned(checkpoint_every=1))
    [job] = prepared(sweep)
    with monkeypatch.context() as patch:
        raises(patch, MemoryError(), above=0)
        with pytest.raises(TrialOutOfMemoryError):
            train_pack(replace(job, again=True), lambda events: None)
        assert newest(sweep, sweep.trials[0]).progress.status == "running"
    train_pack(replace(job, again=True), lambda events: None)
    other = undisturbed(tmp_path, sweep.trials)
    assert metrics_of(sweep, sweep.trials[0]) == metrics_of(other, sweep.trials[0])


def node(alive: bool = True, **resources: float) -> dict[str, Any]:
    cores = int(resources["CPU"])
    return {
        "Alive": alive,
        "Resources": resources,
        "NodeManagerHostname": f"n{cores}",
        "NodeManagerAddress": f"192.0.2.{cores}",
    }


@pytest.mark.parametrize(
    ("asked", "last", "wanted"),
    [
        ({"CPU": 1.0}, False, {"CPU": 2.0}),
        ({"CPU": 1.0}, True, {"CPU": 16.0}),
        ({"CPU": 12.0}, False, {"CPU": 16.0}),
        ({"CPU": 1.0, "GPU": 0.25}, False, {"CPU": 2.0, "GPU": 0.5}),
        ({"CPU": 1.0, "GPU": 0.25}, True, {"CPU": 8.0, "GPU": 1.0}),
        ({"CPU": 8.0, "GPU": 2.0}, False, {"CPU": 8.0, "GPU": 2.0}),
        ({"CPU": 99.0}, True, {"CPU": 99.0}),
        ({"CPU": 1.0, "memory": 8e8}, False, {"CPU": 2.0, "memory": 1e9}),
        ({"CPU": 1.0, "memory": 1e8}, True, {"CPU": 16.0, "memory": 1e9}),
    ],
)
def test_more_room_is_what_a_node_has(
    asked: dict[str, float], last: bool, wanted: dict[str, float]
) -> None:
    """Also: no node that is lost, and none without the GPUs; asking for more waits for ever."""
    nodes = [
        node(CPU=4.0),
        node(CPU=16.0, memory=1e9),
        node(CPU=8.0, GPU=2.0),
        node(alive=False, CPU=64.0, GPU=8.0),
    ]
    assert roomier(asked, nodes, last) == wanted


@pytest.mark.parametrize(
    ("asked", "fits"),
    [
        (Resources(8, 2), True),
        (Resources(16), True),
        (Resources(17), False),
        (Resources(16, 1), False),
        (Resources(1, 3), False),
    ],
)
def test_a_trial_that_no_node_has_room_for_is_refused(asked: Resources, fits: bool) -> None:
    """Ray would wait for such a node, and say nothing."""
    nodes = [node(CPU=16.0), node(CPU=8.0, GPU=2.0), node(alive=False, CPU=64.0, GPU=8.0)]
    if fits:
        require_room(asked, nodes)
        return
    has = r"n16 \(192.0.2.16\) has cpus: 16 and gpus: 0; n8 \(192.0.2.8\) has cpus: 8 and gpus: 2"
    with pytest.raises(UserError, match=rf", and {has}; ask for no more$"):
        require_room(asked, nodes)


def test_a_mistake_is_shown_once_with_its_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = raises(monkeypatch, ArithmeticError("a planted bug \udcff"), above=0)
    sweep, screen = small_sweep(tmp_path), io.StringIO()
    outcome = run(sweep, RunOptions(inline=True, console=Console(file=screen, width=200)))
    assert (outcome.failed, sizes) == (1, [1])
    seen = look(sweep.tracking)
    [found] = seen.runs[sweep.trials[0].id]
    assert found.info.status == "FAILED"
    assert "error.txt" in seen.artifacts[sweep.trials[0].id]
    assert "a planted bug \\udcff" in found.data.tags["sweeper.reason"]


def test_a_checkpoint_that_cannot_be_written_fails_no_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "shortage", lambda folder: "no room")
    sweep = small_sweep(tmp_path, planned(epochs=4, checkpoint_every=1))
    news = train(sweep)
    assert news[-1].phase == "finished"
    assert [event.note for event in news if event.note] == ["no room"]
