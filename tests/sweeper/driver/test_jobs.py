"""The order in which the trials of a sweep are trained."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweeper.driver.jobs import Jobs
from sweeper.errors import UserError
from sweeper.grid.loading import load
from sweeper.storage.claims import Claims
from tests.sweeper.grids import HEAD, grid_text, trials_of, write_grid

BLOCKS = (
    "{{model: sigma_vae, sigma: 0.1, epochs: 3{}}}",
    "{{model: sigma_vae, sigma: 0.2{}}}",
    "{{model: sigma_vae, sigma: 0.3{}}}",
)


def grid(*priorities: str, head: str = HEAD) -> str:
    more = [f", priority: {one}" if one else "" for one in priorities]
    blocks = [block.format(one) for block, one in zip(BLOCKS, more, strict=True)]
    return grid_text(*blocks, head=head)


def order(folder: Path, text: str) -> list[float]:
    """σ of the trials, in the order of the jobs."""
    sweep = load(write_grid(folder, text), storage=str(folder / "sweeps"))
    with Claims(sweep.storage) as claims:
        jobs = list(Jobs(sweep, sweep.trials, claims))
    sigma = {trial.id: trial.params["sigma"] for trial in sweep.trials}
    return [sigma[one.id] for job in jobs if job for one in job.trials]


def test_blocks_of_a_higher_priority_are_trained_first(tmp_path: Path) -> None:
    """Within a priority the longest trials come first."""
    assert order(tmp_path, grid("", "", "")) == [0.1, 0.1, 0.2, 0.2, 0.3, 0.3]
    assert order(tmp_path, grid("", "1", "5")) == [0.3, 0.3, 0.2, 0.2, 0.1, 0.1]
    assert order(tmp_path, grid("-1", "", "")) == [0.2, 0.2, 0.3, 0.3, 0.1, 0.1]


def test_packs_have_the_priority_of_their_first_trial(tmp_path: Path) -> None:
    packed = HEAD + "resources: {pack: 2}\n"
    assert order(tmp_path, grid("", "", "1", head=packed)) == [0.3, 0.3, 0.1, 0.1, 0.2, 0.2]


def test_a_priority_is_no_part_of_a_trial(tmp_path: Path) -> None:
    plain, first = (trials_of(grid("", "", one)) for one in ("", "7"))
    assert [one.id for one in plain] == [one.id for one in first]
    assert [one.to_json() for one in plain] == [one.to_json() for one in first]
    assert {one.priority for one in first} == {0, 7}


def test_a_search_that_chooses_itself_takes_no_priority(tmp_path: Path) -> None:
    head = HEAD.replace("epochs: 2", "epochs: 9")
    head += "search: {method: asha, metric: test/recon, reduction: 3}\n"
    text = grid_text("{model: sigma_vae, sigma: [0.1, 0.2], priority: 1}", head=head)
    path = write_grid(tmp_path, text)
    with pytest.raises(UserError, match=r"asha chooses itself what is trained next: leave `prio"):
        load(path, storage=str(tmp_path / "sweeps"))


def test_a_priority_is_a_whole_number(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"trials\[1\].priority: must be a whole number, not 'h"):
        trials_of(grid("", "high", ""))
