"""Packs hold trials that are one program, every trial once."""

from __future__ import annotations

import pytest

from sweeper.resources import Resources
from sweeper.worker.packs import make_packs, pack_size
from tests.sweeper.grids import grid_text, trials_of
from trainers.pack import Pack

TRIALS = trials_of(
    grid_text(
        "{model: sigma_vae, sigma: [0.1, 0.2], beta: [1, 2]}",
        "{model: sigma_vae, sigma: 0.3, d_z: 3}",
        "{model: sigma_vae, sigma: 0.4, lr: [1e-3, 1e-2]}",
        "{model: alpha_vae, alpha: 0.3}",
        "{model: sigma_vae, sigma: 0.3, epochs: 3}",
    )
)


def test_auto_is_one_on_a_cpu() -> None:
    assert pack_size(Resources()) == 1
    assert [len(pack) for pack in make_packs(TRIALS, Resources())] == [1] * len(TRIALS)


@pytest.mark.parametrize("size", [2, 5, 100])
def test_every_trial_is_in_one_pack_of_its_program(size: int) -> None:
    packs = make_packs(TRIALS, Resources(pack=size))
    assert sorted(t.id for pack in packs for t in pack) == sorted(t.id for t in TRIALS)
    for pack in packs:
        assert len(pack) <= size
        Pack([trial.trial for trial in pack])


def test_a_large_pack_takes_all_that_differ_in_numbers_only() -> None:
    packs = make_packs(TRIALS, Resources(pack=100))
    assert [len(pack) for pack in packs] == [12, 2, 2, 2]


@pytest.mark.parametrize(
    ("trials", "size", "slots", "sizes"),
    [
        (9, 4, 1, [3, 3, 3]),
        (9, 4, 4, [3, 2, 2, 2]),
        (27, 9, 2, [7, 7, 7, 6]),
        (27, 9, 1, [9, 9, 9]),
        (4, 4, 16, [2, 2]),
        (3, 2, 1, [2, 1]),
        (1, 9, 4, [1]),
    ],
)
def test_packs_are_equally_large_and_keep_the_slots_busy(
    trials: int, size: int, slots: int, sizes: list[int]
) -> None:
    seeds = trials_of(grid_text(f"{{model: sigma_vae, sigma: 0.1, seeds: {trials}}}"))
    packs = make_packs(seeds, Resources(pack=size), slots)
    assert [len(pack) for pack in packs] == sizes
    assert [trial.id for pack in packs for trial in pack] == [trial.id for trial in seeds]


def test_packs_keep_the_order_of_their_first_trials() -> None:
    packs = make_packs(TRIALS, Resources(pack=3))
    order = [trial.id for trial in TRIALS]
    firsts = [order.index(pack[0].id) for pack in packs]
    assert firsts == sorted(firsts)


def test_trials_that_are_looked_at_in_another_rhythm_are_another_pack() -> None:
    trials = trials_of(
        grid_text(
            "{model: sigma_vae, sigma: [0.1, 0.2]}",
            "{model: sigma_vae, sigma: [0.3, 0.4], test_every: 2}",
        )
    )
    packs = make_packs(trials, Resources(pack=100))
    assert [len(pack) for pack in packs] == [4, 4]
