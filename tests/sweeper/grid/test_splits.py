"""`split_seeds` varies which examples are set apart, and a grid without it is what it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweeper.errors import UserError
from sweeper.grid.loading import load
from sweeper.grid.seeds import add_seed
from tests.sweeper.grids import grid_text, trials_of
from tests.sweeper.searched import load as searched

HEAD = """\
experiment: small
data: {name: digits, validation: 200}
defaults: {network: mlp, d_z: 2, epochs: 1}
seeds: 2
"""
ONE = "{model: sigma_vae, sigma: [0.1, 0.2]}"
GOLDEN = ["ef74f28995dc61ea", "c6141abc864ca98b", "94070d08860274e0", "388aa0f6c0b19eda"]


def ids(head: str, *blocks: str) -> list[str]:
    return [one.id for one in trials_of(grid_text(*(blocks or (ONE,)), head=head))]


def test_each_split_is_crossed_with_each_seed_and_named() -> None:
    trials = trials_of(grid_text(ONE, head=HEAD + "split_seeds: [3, 7, 8]\n"))
    assert [one.label for one in trials[:4]] == [
        "sigma_vae σ=0.1 split=3 seed=0",
        "sigma_vae σ=0.1 split=3 seed=1",
        "sigma_vae σ=0.1 split=7 seed=0",
        "sigma_vae σ=0.1 split=7 seed=1",
    ]
    assert len({one.id for one in trials}) == len(trials) == 2 * 3 * 2
    assert [one.params["data_split_seed"] for one in trials[:6]] == [3, 3, 7, 7, 8, 8]
    assert len({one.data["checksum"] for one in trials}) == 3


def test_a_count_means_the_first_seeds_and_a_block_has_its_own() -> None:
    counted = ids(HEAD + "split_seeds: 2\n")
    assert counted == ids(HEAD + "split_seeds: [0, 1]\n")
    own = "{model: sigma_vae, sigma: 0.3, split_seeds: [5]}"
    trials = trials_of(grid_text(ONE, own, head=HEAD + "split_seeds: 2\n"))
    assert [one.id for one in trials[:8]] == counted
    assert [one.params["data_split_seed"] for one in trials[8:]] == [5, 5]


def test_ids_without_the_field_are_those_from_before_it() -> None:
    assert ids(HEAD) == GOLDEN
    assert "data_split_seed" not in trials_of(grid_text(ONE, head=HEAD))[0].params


def test_the_field_of_the_data_set_means_the_same() -> None:
    said = HEAD.replace("validation: 200", "validation: 200, split_seed: [0, 1]")
    assert sorted(ids(said)) == sorted(ids(HEAD + "split_seeds: 2\n"))


def test_a_new_seed_gets_every_split(tmp_path: Path) -> None:
    path = tmp_path / "grid.yaml"
    path.write_text(grid_text(ONE, head=HEAD + "split_seeds: 3\n"))
    sweep = load(path)
    grown = add_seed(sweep, [one.id for one in sweep.trials])
    new = grown.trials[len(sweep.trials) :]
    assert [one.params["data_split_seed"] for one in new] == [0, 1, 2] * 2
    assert new[0].label == "sigma_vae σ=0.1 split=0 seed=2"


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (
            "split_seeds: 0",
            "split_seeds: must be a number of seeds (at least 1) or a list of them",
        ),
        ("split_seeds: [1, 1]", "split_seeds[1]: the seed 1 appears twice"),
        ("split_seeds: [-1]", "split_seeds[0]: must be a whole number from 0 to"),
        (
            "split_seeds:",
            "split_seeds: must be a number of seeds (at least 1) or a list of them, not",
        ),
        ("split_seed: 1", "unknown key 'split_seed'; did you mean 'split_seeds'?"),
    ],
)
def test_bad_values_are_refused(said: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        ids(f"{HEAD}{said}\n")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("digits", "data: split_seed 0 draws which examples are the validation part, and"),
        ("gaussian_mixture", "split_seeds: gaussian_mixture has no split that a seed draws"),
        (
            "{name: digits, validation: 9, split_seed: 4}",
            "split_seeds: `data` has a `split_seed` of its own: leave one of the two out",
        ),
    ],
)
def test_data_without_a_split_to_draw_are_refused(data: str, message: str) -> None:
    head = HEAD.replace("{name: digits, validation: 200}", data)
    with pytest.raises(UserError) as caught:
        ids(head + "split_seeds: 2\n")
    assert message in str(caught.value)


def test_a_search_by_results_takes_one_split(tmp_path: Path) -> None:
    block = "{model: sigma_vae, sigma: 0.1, lr: {loguniform: [1e-4, 1e-2]}, network: mlp, d_z: 2"
    data = "data: {name: digits, validation: 9}"
    method = "{method: tpe, trials: 2, metric: test/kl, mode: min}"
    assert searched(tmp_path, method, f"{block}, {data}, split_seeds: [1]}}")
    with pytest.raises(UserError, match="`split_seeds` makes several of each"):
        searched(tmp_path, method, f"{block}, {data}, split_seeds: 2}}")
