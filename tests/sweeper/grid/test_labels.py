"""Labels can be read, and no two of a sweep are alike."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeper.grid.identity import canonical
from sweeper.grid.labels import labels, point_label
from tests.sweeper.grids import grid_text, trials_of


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ("{model: sigma_vae, sigma: 0.12, beta: 4, seeds: [1]}", ["sigma_vae σ=0.12 β=4 seed=1"]),
        ("{model: sigma_vae, sigma: 0.12, beta: 1, seeds: [1]}", ["sigma_vae σ=0.12 seed=1"]),
        ("{model: alpha_vae, alpha: 0.2, seeds: [0]}", ["alpha_vae α=0.2 seed=0"]),
        (
            "{model: sigma_vae, sigma: 0.1, d_z: [2, 3], seeds: [0]}",
            ["sigma_vae σ=0.1 d_z=2 seed=0", "sigma_vae σ=0.1 d_z=3 seed=0"],
        ),
        (
            "{model: sigma_vae, sigma: 0.1, network: [linear, mlp], seeds: [0]}",
            ["sigma_vae σ=0.1 network=linear seed=0", "sigma_vae σ=0.1 network=mlp seed=0"],
        ),
        (
            "{model: sigma_vae, sigma: 0.1, network: mlp, hidden: [[8], [8, 4]], seeds: [0]}",
            ["sigma_vae σ=0.1 hidden=8 seed=0", "sigma_vae σ=0.1 hidden=8x4 seed=0"],
        ),
        (
            "{model: sigma_vae, sigma: {logspace: [0.02, 0.2, 3]}, seeds: [0]}",
            ["sigma_vae σ=0.02 seed=0", "sigma_vae σ=0.0632456 seed=0", "sigma_vae σ=0.2 seed=0"],
        ),
        (
            "{model: sigma_vae, sigma: [0.1, 0.10000000001], seeds: [0]}",
            ["sigma_vae σ=0.1 seed=0", "sigma_vae σ=0.10000000001 seed=0"],
        ),
    ],
)
def test_a_label_says_what_tells_trials_apart(block: str, expected: list[str]) -> None:
    assert [trial.label for trial in trials_of(grid_text(block))] == expected


PARAMS = st.fixed_dictionaries(
    {
        "model": st.sampled_from(["sigma_vae", "deen"]),
        "sigma": st.sampled_from([0.1, 0.1000000001]),
        "beta": st.sampled_from([1.0, 4.0]),
        "d_z": st.integers(1, 3),
        "seed": st.integers(0, 2),
        "channels": st.sampled_from([[1], [1, 2]]),
    }
)


@given(st.lists(PARAMS, max_size=30, unique_by=canonical))
def test_no_two_labels_are_alike(trials: list[dict[str, object]]) -> None:
    found = labels(trials, ["sigma"] * len(trials))
    assert len(set(found)) == len(trials)


def test_replicates_share_the_label_of_their_point() -> None:
    assert point_label("sigma_vae σ=0.1 seed=3") == "sigma_vae σ=0.1"
