"""Every seed, stream and epoch has random numbers of its own."""

from __future__ import annotations

import itertools

import torch

from tests.trainers.models import mlp_sigma_vae
from trainers import Pack
from trainers.noise import STREAMS, Draw, Streams, stream_seed


def test_no_two_streams_start_alike() -> None:
    seeds = {
        stream_seed(seed, stream, epoch)
        for seed, stream, epoch in itertools.product(range(20), STREAMS, range(-1, 20))
    }
    assert len(seeds) == 20 * len(STREAMS) * 21
    first = {
        tuple(Streams(seed, epoch).draw(Draw(stream, (2,)), torch.float64).tolist())
        for seed, stream, epoch in itertools.product((0, 1), STREAMS, (0, 1))
    }
    assert len(first) == 4 * len(STREAMS)


def test_the_examples_are_shuffled_anew_in_every_epoch_and_for_every_seed() -> None:
    orders = [
        Streams(seed, epoch).order(50).tolist()
        for seed, epoch in itertools.product((0, 1), (0, 1))
    ]
    assert all(sorted(order) == list(range(50)) != order for order in orders)
    assert len({tuple(order) for order in orders}) == 4
    assert orders[0] == Streams(0, 0).order(50).tolist()


def test_every_seed_starts_from_parameters_of_its_own() -> None:
    starts = [Pack([mlp_sigma_vae(0.1, seed=seed)]).weights(0) for seed in (1, 2, 1)]
    assert all(torch.equal(starts[0][name], starts[2][name]) for name in starts[0])
    assert not any(torch.equal(starts[0][name], starts[1][name]) for name in starts[0])
