"""Packs hold trials that are one program, every trial once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sweeper.driver.jobs import Jobs, make_job
from sweeper.messages import Event
from sweeper.resources import Resources
from sweeper.storage.claims import Claims
from sweeper.worker import probing
from sweeper.worker.member import begin
from sweeper.worker.packs import make_packs, pack_key, pack_size, shared_keys
from sweeper.worker.reporter import Reporter
from sweeper.worker.training import PackTraining
from sweeper.worker.worker import train_pack
from tests.sweeper.grids import grid_text, trials_of
from tests.sweeper.small import planned, prepared, small_sweep
from trainers.convolution import Way
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


def test_auto_packs_small_programs_on_a_cpu_and_no_large_ones() -> None:
    trials = trials_of(
        grid_text(
            "{model: sigma_vae, sigma: 0.1, seeds: 12}",
            "{model: sigma_vae, sigma: 0.2, seeds: 3, d_z: 30000}",
        )
    )
    packs = make_packs(trials, Resources(), slots=2)
    assert [len(pack) for pack in packs] == [6, 6, 1, 1, 1]
    (shared,) = shared_keys(trials, Resources())
    assert shared == pack_key(trials[0])
    assert pack_size(Resources()) == 1, "a search proposes its points one by one"


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


@pytest.mark.parametrize(
    ("trials", "slots", "sizes"),
    [(9, 1, [9]), (9, 2, [5, 4]), (9, 4, [3, 2, 2, 2]), (3, 8, [1, 1, 1]), (100, 1, [100])],
)
def test_auto_on_a_gpu_shares_all_trials_of_a_program_among_the_places(
    trials: int, slots: int, sizes: list[int]
) -> None:
    """The worker divides them, when a probe of its GPU has found the size."""
    seeds = trials_of(grid_text(f"{{model: sigma_vae, sigma: 0.1, seeds: {trials}}}"))
    packs = make_packs(seeds, Resources(gpus=0.5), slots)
    assert [len(pack) for pack in packs] == sizes


@pytest.mark.parametrize(("found", "sizes"), [(4, [3, 3, 3]), (9, [9]), (5, [5, 4]), (1, [1] * 9)])
def test_a_job_is_divided_into_packs_of_the_size_that_its_gpu_is_fastest_at(
    found: int, sizes: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Evenly, after one probe with all trials of the job."""
    asked, built, prepare = list[int](), list[int](), Pack.__init__

    def probe(trials: list[object], device: str) -> int:
        asked.append(len(trials))
        return found

    def init(self: Pack, trials: Any, *more: Any) -> None:
        built.append(len(trials))
        prepare(self, trials, *more)

    monkeypatch.setattr(probing, "_FOUND", {})
    monkeypatch.setattr(probing, "advised_size", probe)
    monkeypatch.setattr(Pack, "__init__", init)
    sweep = small_sweep(tmp_path, *[planned(seed=seed, network="mlp") for seed in range(9)])
    prepared(sweep)
    news = list[Event]()
    job = make_job(sweep, sweep.trials, packed=True)
    train_pack(replace(job, probe=True), news.extend)
    assert {event.trial: event.phase for event in news} == {
        trial.id: "finished" for trial in sweep.trials
    }
    assert (asked, built) == ([9], sizes)


def test_only_what_a_grid_leaves_to_a_gpu_is_probed(tmp_path: Path) -> None:
    trials = [planned(seed=seed) for seed in range(2)]
    asked = [
        make_job(small_sweep(tmp_path, *trials, resources=resources), trials, packed=True)
        for resources in (Resources(gpus=1), Resources(gpus=1, pack=2), Resources())
    ]
    assert [(job.device, job.probe) for job in asked] == [
        ("cuda", True),
        ("cuda", False),
        ("cpu", False),
    ]
    assert not make_job(small_sweep(tmp_path, resources=Resources(gpus=1)), trials).probe


def test_jobs_are_spread_over_the_places_of_a_cluster(tmp_path: Path) -> None:
    """Which are known only once the driver has joined it; a job that was handed out stays."""
    trials = [planned(seed=seed) for seed in range(8)]
    sweep = small_sweep(tmp_path, *trials, cluster="auto", resources=Resources(gpus=1))
    prepared(sweep)
    with Claims(sweep.storage) as claims:
        jobs = Jobs(sweep, trials, claims)
        jobs.spread(3)
        made = [job for job in jobs if job]
    assert [len(job.trials) for job in made] == [3, 3, 2]
    assert all(job.packed and job.probe for job in made)
    assert {one.id for job in made for one in job.trials} == {trial.id for trial in trials}


def test_a_gpu_tries_the_ways_to_compute_convolutions_once_a_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, built, prepare = list[object](), list[object](), Pack.__init__

    def fastest(measure: object, ways: object) -> Way:
        asked.append(ways)
        return "branches"

    def init(self: Pack, trials: Any, device: str, packed: Any = None, way: Any = None) -> None:
        built.append(way)
        prepare(self, trials, device, packed, way)

    monkeypatch.setattr(probing, "_FOUND", {})
    monkeypatch.setattr(probing, "fastest", fastest)
    monkeypatch.setattr(probing, "gpu_kind", lambda: "a GPU")
    monkeypatch.setattr(Pack, "__init__", init)
    sweep = small_sweep(tmp_path, planned(network="mlp"), planned(network="mlp", seed=2))
    prepared(sweep)
    job = make_job(sweep, sweep.trials, packed=True)
    members = [begin(job, one) for one in job.trials]
    there = replace(job, device="cuda")
    jobs = there, there, replace(there, alone=True), replace(there, packed=False), job
    found = [probing.convolution_way(one, members) for one in jobs]
    assert found == ["branches", "branches", "grouped", "grouped", "grouped"]
    assert asked == [("grouped",)], "a perceptron has no other"
    PackTraining(job, members, Reporter(lambda events: None, ""), found[0]).run()
    assert built == ["branches"]
    assert all(member.closed for member in members)
