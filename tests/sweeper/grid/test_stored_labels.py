"""A label means one trial of an experiment, also where several grids were run under its name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sweeper.grid import loading
from sweeper.grid.labels import point_label
from sweeper.status.stored import stored_sweeps
from sweeper.storage import ledger
from sweeper.sweep import Sweep
from tests.sweeper.grids import HEAD, grid_text, write_grid

BLOCK = "{model: sigma_vae, sigma: [0.1, 0.2]}"


def stored(folder: Path, text: str) -> Sweep:
    """The grid's sweep, as the storage has it once it was started."""
    sweep = loading.load(write_grid(folder, text), folder=folder)
    ledger.write_sweep(sweep, {})
    ledger.write_trials(sweep)
    return sweep


def names(sweep: Sweep) -> list[str]:
    return [trial.label for trial in sweep.trials]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("d_z: 2", "d_z: 3", "d_z=3"),
        ("epochs: 2", "epochs: 4", "epochs=4"),
        ("network: linear", "network: mlp", "network=mlp"),
        ("data: linear_gaussian", "data: {name: linear_gaussian, dims: 9}", "data_dims=9"),
        ("seeds: 2", "seeds: [5, 6]\nsearch: {}", None),
        ("epochs: 2", "epochs: 2, lr: 3e-3", "lr=0.003"),
    ],
)
def test_a_later_sweep_is_told_from_the_earlier(
    tmp_path: Path, old: str, new: str, told: str | None
) -> None:
    first = stored(tmp_path, grid_text(BLOCK))
    assert names(first)[0] == "sigma_vae σ=0.1 seed=0"
    assert HEAD.count(old) == 1
    second = stored(tmp_path, grid_text(BLOCK, head=HEAD.replace(old, new)))
    assert not {trial.id for trial in first.trials} & {trial.id for trial in second.trials}
    assert not set(names(first)) & set(names(second))
    assert {told in label.split() for label in names(second)} == {told is not None}
    again = loading.load(write_grid(tmp_path, grid_text(BLOCK)), folder=tmp_path)
    assert names(again) == names(first)
    head = HEAD.replace(old, new)
    again = loading.load(write_grid(tmp_path, grid_text(BLOCK, head=head)), folder=tmp_path)
    assert names(again) == names(second)


def test_a_seed_that_is_added_later_keeps_the_point_apart(tmp_path: Path) -> None:
    """The label of the point differs, so that of its further seeds does too."""
    first = stored(tmp_path, grid_text(BLOCK))
    head = HEAD.replace("d_z: 2", "d_z: 3").replace("seeds: 2", "seeds: [7]")
    second = stored(tmp_path, grid_text(BLOCK, head=head))
    assert not {*map(point_label, names(first))} & {*map(point_label, names(second))}


def test_a_grown_grid_keeps_its_labels(tmp_path: Path) -> None:
    first = stored(tmp_path, grid_text(BLOCK))
    grown = stored(tmp_path, grid_text("{model: sigma_vae, sigma: [0.1, 0.2, 0.3], seeds: 3}"))
    assert set(names(first)) < set(names(grown))


def test_other_data_of_the_same_name_are_told_by_their_checksum(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trainers.datasets.linear_gaussian import LinearGaussian

    first = stored(tmp_path, grid_text(BLOCK))
    monkeypatch.setattr(LinearGaussian, "checksum", lambda _: "0123456789abcdef")
    second = stored(tmp_path, grid_text(BLOCK))
    assert not set(names(first)) & set(names(second))
    assert names(second)[0] == "sigma_vae σ=0.1 checksum=01234567 seed=0"


def test_another_experiment_has_labels_of_its_own(tmp_path: Path) -> None:
    first = stored(tmp_path, grid_text(BLOCK))
    head = HEAD.replace("experiment: test", "experiment: other").replace("d_z: 2", "d_z: 3")
    assert names(stored(tmp_path, grid_text(BLOCK, head=head))) == names(first)


def test_the_points_of_a_search_are_told_apart_too(tmp_path: Path) -> None:
    space = "{model: sigma_vae, sigma: {uniform: [0.1, 0.2]}}"
    search = "search: {method: tpe, trials: 3, metric: test/elbo_full, mode: max}\n"
    first = stored(tmp_path, grid_text(space, head=HEAD + search))
    assert first.proposals
    found = first.proposals.trials(0, [0.15])
    ledger.write_sweep(replace(first, trials=found), {})
    ledger.write_trials(replace(first, trials=found))
    head = HEAD.replace("d_z: 2", "d_z: 3") + search
    second = loading.load(write_grid(tmp_path, grid_text(space, head=head)), folder=tmp_path)
    assert second.proposals
    assert [one.label for one in second.proposals.trials(0, [0.15])] == [
        "sigma_vae σ=0.15 d_z=3 seed=0",
        "sigma_vae σ=0.15 d_z=3 seed=1",
    ]
    [kept] = stored_sweeps(first.storage, "test")
    assert names(kept.sweep) == ["sigma_vae σ=0.15 seed=0", "sigma_vae σ=0.15 seed=1"]
