"""How many packs a node has room for, and what is said where there is none."""

from __future__ import annotations

import pytest

from sweeper.resources import Resources, free_in_words, in_words, packs_on, shortfall
from sweeper.worker.gpu_share import keep_to_share

NODE = {"CPU": 16.0, "GPU": 2.0, "memory": 64e9, "accelerator_type:A100": 1.0, "licence": 3.0}


@pytest.mark.parametrize(
    ("asked", "places"),
    [
        (Resources(), 16),
        (Resources(cpus=0.5), 32),
        (Resources(cpus=3), 5),
        (Resources(gpus=1), 2),
        (Resources(gpus=0.5), 4),
        (Resources(gpus=0.4), 4),  # 0.2 is left on each of the two
        (Resources(gpus=0.1), 16),
        (Resources(cpus=0.1, gpus=0.1), 20),
        (Resources(gpus=3), 0),
        (Resources(memory_gb=20), 3),
        (Resources(custom={"licence": 2}), 1),
        (Resources(custom={"disk": 1}), 0),
        (Resources(gpus=0.5, gpu_type="A100"), 4),
        (Resources(gpus=0.5, gpu_type="T4"), 0),
    ],
)
def test_the_scarcest_resource_limits_the_packs_of_a_node(asked: Resources, places: int) -> None:
    assert packs_on(NODE, asked.asked()) == places


def test_no_more_packs_than_asked_for_train_at_once() -> None:
    assert Resources(max_concurrent=3).at_once(16) == 3
    assert Resources(max_concurrent=30).at_once(16) == 16
    assert Resources().at_once(0) == 1


def test_a_request_is_said_in_the_words_of_a_grid() -> None:
    asked = Resources(2, 0.5, memory_gb=8, gpu_type="A100", custom={"licence": 1}).asked()
    assert in_words(asked) == ("cpus: 2, gpus: 0.5, memory_gb: 8, licence: 1 and gpu_type: A100")
    assert free_in_words(asked, {"CPU": 1.0, "memory": 32e9}, NODE) == (
        "1 of 16 CPUs and 0 of 2 GPUs and 32 of 64 GB of memory and 0 of 3 licence"
    )


def test_what_each_node_has_is_said_if_none_has_all() -> None:
    nodes = [("b", {"CPU": 4.0}), ("a", NODE)]
    assert shortfall(Resources(gpus=2).asked(), nodes) == ""
    assert shortfall(Resources(gpus=1, gpu_type="T4").asked(), nodes) == (
        "a has cpus: 16, gpus: 2 and gpu_type: A100; b has cpus: 4, gpus: 0 and gpu_type: none"
    )
    many = [(f"n{number}", {"CPU": 4.0}) for number in range(9)]
    assert (
        shortfall(Resources(8).asked(), many)
        == "9 nodes (n0, n1, n2, ...) have cpus: 4 and gpus: 0"
    )


@pytest.mark.parametrize(("share", "limits"), [(0.0, []), (0.25, [0.25]), (2.0, [1.0])])
def test_a_worker_keeps_to_its_share_of_a_gpu(
    share: float, limits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = list[float]()
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.set_per_process_memory_fraction", found.append)
    keep_to_share(share)
    assert found == limits
