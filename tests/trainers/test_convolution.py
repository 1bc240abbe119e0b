"""The ways to compute a pack's convolutions give one result, and a GPU takes the fastest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from trainers import Pack, Training, Trial
from trainers.conformance.examples import combinations, label, with_other_numbers
from trainers.convolution import Way, ways, with_products
from trainers.probe import Cost, fastest

CONVOLUTIONAL = [one for one in combinations() if "conv" in one.network.name]
PLAIN = [one for one in CONVOLUTIONAL if one.corruption is None]


@pytest.mark.parametrize("trial", PLAIN, ids=label)
def test_every_way_trains_what_a_grouped_convolution_trains(trial: Trial) -> None:
    """Through both gradients of an energy, too; in float64, where only rounding differs."""
    trials = [replace(trial, training=Training(batch_size=128, precision="float64"))]
    trials.append(with_other_numbers(trials[0]))
    packs = {way: Pack(trials, way=way) for way in ways(trial)}
    assert list(packs) == ["grouped", "bmm", "branches"]
    for pack in packs.values():
        pack.rehearse(1)
    expected = packs["grouped"].look()[1], packs["grouped"].weights(1)
    for way in ("bmm", "branches"):
        assert packs[way].look()[1] == pytest.approx(expected[0], rel=1e-9)
        for name, value in expected[1].items():
            torch.testing.assert_close(packs[way].weights(1)[name], value, rtol=1e-6, atol=1e-9)


def test_the_ways_call_other_operators() -> None:
    """One grouped convolution, none, or one for each member."""
    trials = [replace(PLAIN[0], training=Training(batch_size=128))]
    trials.append(with_other_numbers(trials[0]))
    packs = {way: Pack(trials, way=way) for way in ways(trials[0])} | {"alone": Pack(trials[:1])}
    counts = {name: convolutions(pack) for name, pack in packs.items()}
    assert counts["bmm"] == 0
    assert 0 < counts["grouped"] < counts["branches"] == 2 * counts["alone"]


def convolutions(pack: Pack) -> int:
    """How many a step calls, forward."""
    pack.rehearse(1)
    assert pack._steps
    nodes = pack._steps.trace().graph.graph.nodes
    return sum(node.target is torch.ops.aten.convolution.default for node in nodes)


@pytest.mark.parametrize(
    "more", [{}, {"stride": 2}, {"padding": 1}, {"dilation": 2}, {"groups": 2}]
)
def test_a_product_is_the_convolution(more: dict[str, int]) -> None:
    generator = torch.Generator().manual_seed(0)
    layer = torch.nn.Conv2d(4, 6, (3, 2), dtype=torch.float64, **more)
    x = torch.randn(5, 4, 9, 8, dtype=torch.float64, generator=generator)
    torch.testing.assert_close(with_products(layer)(x), layer(x), rtol=1e-12, atol=1e-12)


def test_a_network_without_convolutions_leaves_no_choice() -> None:
    trial = next(one for one in combinations() if one.network.name == "mlp")
    assert ways(trial) == ("grouped",)


@pytest.mark.parametrize(
    ("seconds", "way"),
    [
        ({"grouped": 3.0, "bmm": 2.0, "branches": 1.0}, "branches"),
        ({"grouped": 3.0, "bmm": 2.0}, "bmm"),
        ({}, "grouped"),
    ],
)
def test_the_fastest_way_that_has_room_is_taken(seconds: dict[Way, float], way: Way) -> None:
    def measure(way: Way) -> Cost:
        if way not in seconds:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return Cost(seconds[way], 0)

    assert fastest(measure, ways(PLAIN[0])) == way


def test_a_single_way_is_not_measured() -> None:
    measure: Callable[[Way], Cost] = {}.__getitem__
    assert fastest(measure, ["grouped"]) == "grouped"
