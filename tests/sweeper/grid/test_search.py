"""Drawn trials are ordinary trials: the same ones every time, and more of them add to them."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import qmc

from sweeper.cli import main
from sweeper.errors import UserError
from sweeper.grid.document import parse
from sweeper.grid.searches import SEARCHES
from sweeper.grid.spaces import space
from sweeper.storage.evaluations import missing
from sweeper.sweep import PlannedTrial, Search
from tests.sweeper.grids import HEAD, grid_text, trials_of, write_grid
from tests.sweeper.mlflow_view import READY
from tests.sweeper.searched import load
from tests.sweeper.small import train

pytestmark = READY

DRAWN = ["random", "sobol"]
BLOCK = "{model: sigma_vae, sigma: {loguniform: [0.01, 1]}, lr: {uniform: [0.001, 0.1]}}"


def text(*blocks: str, method: str = "random", trials: int = 8, seed: int = 0) -> str:
    search = f"search: {{method: {method}, trials: {trials}, seed: {seed}}}\n"
    return grid_text(*blocks, head=HEAD.replace("seeds: 2", "seeds: 1") + search)


def points(trials: tuple[PlannedTrial, ...]) -> list[tuple[float, float]]:
    return [(trial.params["sigma"], trial.params["lr"]) for trial in trials]


def build(method: str, trials: int = 8, seed: int = 0) -> Search:
    return SEARCHES.build({"name": method, "trials": trials, "seed": seed})


@pytest.mark.parametrize("method", DRAWN)
def test_a_stream_is_deterministic_and_grows(method: str) -> None:
    search = build(method)
    few, many = search.unit(0, 3, 5), search.unit(0, 3, 33)
    assert few.shape == (5, 3)
    np.testing.assert_array_equal(few, many[:5])
    assert (many >= 0).all()
    assert (many < 1).all()
    assert not np.array_equal(few, search.unit(1, 3, 5))
    assert not np.array_equal(few, build(method, seed=1).unit(0, 3, 5))


def test_sobol_is_more_even_than_chance() -> None:
    sobol, chance = (
        [qmc.discrepancy(build(method, seed=seed).unit(0, 4, 64)) for seed in range(10)]
        for method in ("sobol", "random")
    )
    assert max(sobol) < min(chance)


def test_sobol_halves_each_axis_evenly() -> None:
    unit = build("sobol").unit(0, 5, 64)
    assert ((unit < 0.5).sum(axis=0) == 32).all()


@pytest.mark.parametrize(
    ("kind", "given", "at"),
    [
        ("uniform", [2, 4], {0.0: 2.0, 0.5: 3.0, 0.25: 2.5}),
        ("loguniform", [0.01, 1], {0.0: 0.01, 0.5: 0.1}),
        ("int", [3, 5], {0.0: 3, 0.34: 4, 0.5: 4, 0.999: 5, 1 - 2**-53: 5}),
        ("choice", ["a", [1, 2]], {0.0: "a", 0.49: "a", 0.5: [1, 2], 1 - 2**-53: [1, 2]}),
    ],
)
def test_a_space_maps_the_unit_interval(
    kind: str, given: list[object], at: dict[float, object]
) -> None:
    found = space(parse("a: 1", "g"), ("a",), {kind: given})
    for u, value in at.items():
        assert found.at(u) == value
        assert type(found.at(u)) is type(value)


@pytest.mark.parametrize("method", DRAWN)
def test_drawn_trials_are_ordinary_trials(method: str) -> None:
    found = trials_of(text(BLOCK, method=method))
    assert len(found) == 8
    assert len({trial.id for trial in found}) == len({trial.label for trial in found}) == 8
    assert [trial.id for trial in found] == [
        trial.id for trial in trials_of(text(BLOCK, method=method))
    ]
    sigma, lr = points(found)[0]
    [same] = trials_of(
        grid_text(
            f"{{model: sigma_vae, sigma: {sigma}, lr: {lr}}}",
            head=HEAD.replace("seeds: 2", "seeds: 1"),
        )
    )
    assert (same.id, dict(same.params)) == (found[0].id, dict(found[0].params))


@pytest.mark.parametrize("method", DRAWN)
def test_more_trials_add_to_the_first_ones(method: str) -> None:
    blocks = BLOCK, "{model: sigma_vae, sigma: {uniform: [1, 2]}, beta: 2}"
    few, many = (trials_of(text(*blocks, method=method, trials=n)) for n in (7, 20))
    assert {trial.id for trial in few} < {trial.id for trial in many}
    assert [
        sum("beta" in t.params and t.params["beta"] == 2 for t in found) for found in (few, many)
    ] == [3, 10]


def test_values_spread_over_their_spaces() -> None:
    sigmas = [sigma for sigma, _ in points(trials_of(text(BLOCK, method="sobol", trials=64)))]
    assert all(0.01 <= sigma <= 1 for sigma in sigmas)
    assert np.mean(np.log(sigmas)) == pytest.approx(math.log(0.1), abs=0.05)


def test_draws_are_crossed_with_lists_and_seeds() -> None:
    block = "{model: sigma_vae, sigma: {uniform: [0.1, 1]}, beta: [1, 2], seeds: 3}"
    found = trials_of(text(block, trials=4))
    assert len(found) == 4 * 2 * 3
    assert len({trial.params["sigma"] for trial in found}) == 4


def test_a_block_without_a_space_is_a_grid() -> None:
    found = trials_of(text(BLOCK, "{model: sigma_vae, sigma: [2, 3]}"))
    assert len(found) == 10
    assert [trial.params["sigma"] for trial in found[8:]] == [2, 3]


def test_models_of_a_block_are_conditions() -> None:
    """Each model draws from the spaces that it has."""
    block = (
        "{model: [sigma_vae, noisy_vae], sigma: {choice: [0.1, 0.2, 0.3]}, corruption: "
        "{name: gaussian, sigma: {uniform: [0.5, 1]}}}"
    )
    with pytest.raises(UserError, match="sigma_vae has no `corruption`"):
        trials_of(text(block))
    found = trials_of(
        text(
            "{model: sigma_vae, d_z: {int: [1, 9]}, sigma: 0.1}",
            block.replace("[sigma_vae, noisy_vae]", "noisy_vae"),
        )
    )
    assert [trial.params["model"] for trial in found] == ["sigma_vae"] * 4 + ["noisy_vae"] * 4
    assert len({trial.params["d_z"] for trial in found[:4]}) == 4
    assert len({trial.params["corruption_sigma"] for trial in found[4:]}) == 4


def test_no_point_is_drawn_twice() -> None:
    block = "{model: sigma_vae, sigma: {choice: [1, 2, 3]}, d_z: {int: [1, 3]}}"
    assert len(trials_of(text(block, trials=9))) == 9
    assert len(trials_of(text(block, trials=9, method="sobol"))) == 9


@pytest.mark.parametrize(
    ("search", "block", "words"),
    [
        (
            "{method: sobl, trials: 3}",
            BLOCK,
            "search.method: unknown search method 'sobl'; did you "
            "mean 'sobol'? (known: asha, grid, median, random, sobol, successive_halving, tpe)",
        ),
        ("{method: random}", BLOCK, "search: the search method random needs `trials`"),
        ("{method: random, trials: 0}", BLOCK, "search.trials: must be at least 1, not 0"),
        ("{method: random, trial: 2}", BLOCK, "unknown key 'trial'; did you mean 'trials'?"),
        ("{method: grid, trials: 2}", BLOCK, "unknown key 'trials'"),
        ("{method: grid}", BLOCK, "trials[0].sigma.loguniform: values are drawn by a search only"),
        ("{method: random, trials: 2}", "{model: sigma_vae, sigma: 1}", "no block has one"),
        (
            "{method: random, trials: 1}",
            "{model: [sigma_vae, iwae], likelihood: gaussian, sigma: {uniform: [1, 2]}}",
            "search.trials: must be at least 2",
        ),
        (
            "{method: random, trials: 2}",
            "{model: sigma_vae, sigma: {uniform: [-1, 1]}}",
            "trials[0].sigma.uniform[0]: must be greater than 0, not -1",
        ),
        (
            "{method: random, trials: 2}",
            "{model: sigma_vae, sigma: {uniform: [2, 1]}}",
            "low must be less than high",
        ),
        (
            "{method: random, trials: 2}",
            "{model: sigma_vae, sigma: {uniform: 2}}",
            "must be [low, high], not 2",
        ),
        (
            "{method: random, trials: 2}",
            "{model: sigma_vae, sigma: {loguniform: [0, 1]}}",
            "loguniform needs ends above 0",
        ),
        (
            "{method: random, trials: 2}",
            "{model: sigma_vae, sigma: 1, d_z: {int: [1, 2.5]}}",
            "must be [low, high], two whole numbers",
        ),
        (
            "{method: random, trials: 2}",
            "{model: sigma_vae, sigma: 1, d_z: {uniform: [1, 4]}}",
            "d_z is a whole number: write int: [1, 4]",
        ),
        (
            "{method: random, trials: 2}",
            "{model: sigma_vae, sigma: {choice: [1]}}",
            "must be a list of at least two values",
        ),
        (
            "{method: random, trials: 2}",
            "{model: sigma_vae, sigma: {choice: [1, 1]}}",
            "the option 1 appears twice",
        ),
        (
            "{method: random, trials: 2}",
            "{model: sigma_vae, sigma: {choice: [1, x]}}",
            "trials[0].sigma.choice[1]: must be a number, not 'x'",
        ),
        (
            "{method: random, trials: 2}",
            "{model: sigma_vae, sigma: {choice: [1, 2], int: [1, 2]}}",
            "write one of {uniform: [low, high]}",
        ),
        (
            "{method: random, trials: 2}",
            "{model: {choice: [sigma_vae, iwae]}, sigma: 1}",
            "`model` is not drawn",
        ),
        (
            "{method: random, trials: 4}",
            "{model: sigma_vae, sigma: {choice: [1, 2, 3]}}",
            "this block has 3 different points to draw, and 4",
        ),
        ("{method: random, trials: 200000}", BLOCK, "400,000 trials, and more than 100,000"),
    ],
)
def test_what_means_nothing_is_refused(search: str, block: str, words: str) -> None:
    with pytest.raises(UserError) as caught:
        trials_of(grid_text(block, head=f"{HEAD}search: {search}\n"))
    assert words in str(caught.value)
    assert caught.value.line


def test_a_search_runs_and_grows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = [
        "--storage",
        str(tmp_path / "s"),
        "--tracking",
        f"sqlite:///{tmp_path}/mlflow.db",
        "--inline",
        "--json",
    ]
    for trials, skipped in ((2, 0), (3, 2)):
        path = write_grid(tmp_path, text(BLOCK, method="sobol", trials=trials))
        assert main(["run", str(path), *where]) == 0
        found = json.loads(capsys.readouterr().out)
        assert (found["finished"], found["skipped"]) == (trials, skipped)


def test_a_grown_grid_of_another_sweep_trains_the_difference(tmp_path: Path) -> None:
    """More σ, more seeds and one more evaluation, in a storage that both sweeps share."""
    few = load(tmp_path / "few", "{}", "{model: sigma_vae, sigma: [0.1, 0.2]}")
    more = load(
        tmp_path / "more",
        "{}",
        "{model: sigma_vae, sigma: [0.1, 0.2, 0.3], evaluate: [active_units]}",
        seeds=2,
    )
    more = replace(more, storage=few.storage)
    train(few)
    trained = {event.trial for event in train(more) if event.records}
    known = {trial.id for trial in few.trials}
    assert trained == {trial.id for trial in more.trials} - known
    assert len(trained) == 4
    assert not any(missing(more.storage, trial.id, trial.evaluate) for trial in more.trials)
