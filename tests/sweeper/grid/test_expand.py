"""Axes, defaults and seeds span the trials that a reader of the grid expects, in its order."""

from __future__ import annotations

import pytest

from sweeper.errors import UserError
from sweeper.grid.axes import axis, round_value
from sweeper.grid.document import parse
from tests.sweeper.grids import HEAD, grid_text, trials_of


def values(spec: object) -> list[object]:
    return [value for _, value in axis(parse("a: 1", "g.yaml"), ("a",), spec).values()]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (0.5, [0.5]),
        ([1, 2], [1, 2]),
        ({"linspace": [0.03, 0.27, 9]}, [0.03, 0.06, 0.09, 0.12, 0.15, 0.18, 0.21, 0.24, 0.27]),
        ({"linspace": [10, 50, 5]}, [10, 20, 30, 40, 50]),
        ({"linspace": [2, 2, 1]}, [2]),
        ({"linspace": [1, 0, 3]}, [1, 0.5, 0]),
        ({"logspace": [0.01, 1, 3]}, [0.01, 0.1, 1]),
        ({"logspace": [1, 1000, 4]}, [1, 10, 100, 1000]),
        ({"logspace": [3, 3, 1]}, [3]),
    ],
)
def test_an_axis_has_the_values_that_it_says(spec: object, expected: list[float]) -> None:
    assert [round_value(value) for value in values(spec)] == expected


@pytest.mark.parametrize("kind", ["linspace", "logspace"])
def test_the_ends_of_an_axis_are_exact(kind: str) -> None:
    found = values({kind: [0.1, 0.7, 7]})
    assert found[0] == 0.1
    assert found[-1] == 0.7


def test_a_list_is_one_value_where_the_field_is_a_list() -> None:
    document = parse("a: 1", "g.yaml")
    assert axis(document, (), [32, 64], is_list=True).count == 1
    assert axis(document, (), [[32], [64]], is_list=True).count == 2


def test_values_are_rounded_to_twelve_digits() -> None:
    assert round_value(0.1 + 0.2) == 0.3
    assert round_value([0.1 + 0.2, 3]) == [0.3, 3]


def test_the_product_runs_in_the_order_of_the_block_and_seeds_run_fastest() -> None:
    trials = trials_of(grid_text("{model: sigma_vae, sigma: [0.1, 0.2], beta: [1, 4]}"))
    found = [(t.params["sigma"], t.params["beta"], t.params["seed"]) for t in trials]
    assert found == [(s, b, seed) for s in (0.1, 0.2) for b in (1.0, 4.0) for seed in (0, 1)]


def test_a_block_overrides_the_defaults() -> None:
    text = grid_text("{model: sigma_vae, sigma: 0.1, d_z: 3, seeds: [7], lr: 1e-2}")
    (trial,) = trials_of(text)
    assert trial.trial.config()["network"] == {"name": "linear", "d_z": 3}
    assert trial.trial.config()["seed"] == 7
    assert trial.trial.config()["training"]["lr"] == 0.01
    assert trial.trial.config()["training"]["epochs"] == 2


def test_defaults_may_hold_an_axis_and_pass_by_models_that_lack_the_field() -> None:
    head = HEAD.replace("d_z: 2", "d_z: 2, beta: [1, 2]").replace("seeds: 2", "seeds: 1")
    trials = trials_of(
        grid_text(
            "{model: sigma_vae, sigma: 0.1}",
            "{model: deen, sigma: 0.1, network: quadratic}",
            head=head,
        )
    )
    assert [trial.params.get("beta") for trial in trials] == [1.0, 2.0, None]


def test_structure_can_be_an_axis() -> None:
    trials = trials_of(
        grid_text(
            "{model: dvae, likelihood: [gaussian, laplace], network: [linear, mlp], seeds: 1, "
            "corruption: {name: gaussian, sigma: [0.1, 0.3]}}".replace(
                "likelihood: [gaussian, laplace]", "likelihood: gaussian, sigma: 0.1"
            )
        )
    )
    found = [(t.params["network"], t.params["corruption_sigma"]) for t in trials]
    assert found == [("linear", 0.1), ("linear", 0.3), ("mlp", 0.1), ("mlp", 0.3)]


def test_the_default_network_serves_energies_by_its_variant() -> None:
    head = HEAD.replace("linear_gaussian", "digits").replace("network: linear", "network: conv")
    trials = trials_of(grid_text("{model: [sigma_vae, deen], sigma: 0.2}", head=head))
    assert [trial.params["network"] for trial in trials[::2]] == ["conv", "conv_energy"]


def test_a_whole_float_is_a_count() -> None:
    trials = trials_of(grid_text("{model: sigma_vae, sigma: 0.1, d_z: {linspace: [1, 3, 3]}}"))
    assert [type(t.params["d_z"]) for t in trials] == [int] * 6


def test_fractions_are_no_counts() -> None:
    with pytest.raises(UserError, match=r"d_z.linspace: must be a whole number, not 1.5"):
        trials_of(grid_text("{model: sigma_vae, sigma: 0.1, d_z: {linspace: [1, 2, 3]}}"))


def test_data_and_its_fields_are_part_of_the_trial() -> None:
    head = HEAD.replace("linear_gaussian", "{name: linear_gaussian, dims: 4}")
    trials = trials_of(grid_text("{model: sigma_vae, sigma: 0.1}", head=head))
    assert trials[0].data["shape"] == [4]
    assert trials[0].data["dims"] == 4
    assert trials[0].params["data_dims"] == 4
