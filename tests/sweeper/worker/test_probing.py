"""What a probe of a GPU has found is kept for later packs, of this process and of others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from sweeper.driver.jobs import make_job
from sweeper.messages import Job
from sweeper.storage import paths
from sweeper.worker import probing
from sweeper.worker.member import TrialInTraining, begin
from sweeper.worker.probing import convolution_way, largest_pack, remember
from tests.sweeper.small import planned, prepared, small_sweep
from trainers.convolution import Way

Members = list[TrialInTraining]


class Gpu:
    """A GPU that is made up: what was asked of it, and what a probe finds."""

    kind, best, way = "one kind", 4, "bmm"

    def __init__(self) -> None:
        self.probed, self.raced = list[int](), 0

    def advised_size(self, trials: Sequence[object], device: str) -> int:
        self.probed.append(len(trials))
        return min(self.best, len(trials))

    def fastest(self, measure: object, ways: object) -> Way:
        self.raced += 1
        return self.way  # type: ignore[return-value]


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Gpu:
    found = Gpu()
    monkeypatch.setattr(probing, "advised_size", found.advised_size)
    monkeypatch.setattr(probing, "fastest", found.fastest)
    monkeypatch.setattr(probing, "gpu_kind", lambda: found.kind)
    return found


@pytest.fixture(autouse=True)
def another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget what this process knows."""
    monkeypatch.setattr(probing, "_FOUND", {})


def packed(folder: Path, trials: int, **training: int) -> tuple[Job, Members]:
    """A job on a GPU that is left to a probe, and its trials in training."""
    sweep = small_sweep(folder, *[planned(seed=seed, **training) for seed in range(trials)])
    prepared(sweep)
    job = make_job(sweep, sweep.trials, packed=True)
    return replace(job, device="cuda", probe=True), [begin(job, one) for one in job.trials]


def forget() -> None:
    probing._FOUND.clear()


def test_a_later_process_does_not_probe_again(tmp_path: Path, gpu: Gpu) -> None:
    job, members = packed(tmp_path, 9)
    found = largest_pack(job, members), convolution_way(job, members)
    forget()
    assert (largest_pack(job, members), convolution_way(job, members)) == found == (4, "bmm")
    assert (gpu.probed, gpu.raced) == ([9], 1)


def test_another_kind_of_gpu_and_another_program_are_probed(tmp_path: Path, gpu: Gpu) -> None:
    job, members = packed(tmp_path, 9)
    assert largest_pack(job, members) == 4
    longer, more = packed(tmp_path / "longer", 9, epochs=50)
    other, others = packed(tmp_path / "other", 9, batch_size=7)
    longer, other = (replace(one, storage=job.storage) for one in (longer, other))
    assert largest_pack(longer, more) == 4
    assert gpu.probed == [9], "the number of epochs is no other program"
    assert largest_pack(other, others) == 4
    gpu.kind, gpu.best = "another kind", 2
    assert largest_pack(job, members) == 2
    assert gpu.probed == [9, 9, 9]


def test_a_probe_that_had_too_few_trials_is_made_again_with_more(tmp_path: Path, gpu: Gpu) -> None:
    for trials, size in ((3, 3), (3, 3), (9, 4), (20, 4)):
        job, members = packed(tmp_path, trials)
        assert largest_pack(job, members) == size
    assert gpu.probed == [3, 9]


def test_a_probe_that_may_have_failed_is_kept_for_this_process_alone(
    tmp_path: Path, gpu: Gpu
) -> None:
    gpu.best = 1
    job, members = packed(tmp_path, 9)
    for _ in range(2):
        assert (largest_pack(job, members), convolution_way(job, members)) == (1, "bmm")
    forget()
    gpu.best = 4
    for _ in range(2):
        assert (largest_pack(job, members), convolution_way(job, members)) == (4, "bmm")
    assert (gpu.probed, gpu.raced) == ([9, 9], 1)


def test_a_probe_that_may_have_failed_leaves_what_others_have_found(
    tmp_path: Path, gpu: Gpu
) -> None:
    job, members = packed(tmp_path, 3)
    assert largest_pack(job, members) == 3
    forget()
    gpu.best, (larger, more) = 1, packed(tmp_path, 9)
    assert (largest_pack(larger, more), convolution_way(larger, more)) == (1, "bmm")
    forget()
    assert largest_pack(job, members) == 3
    assert gpu.probed == [3, 9]


def test_a_race_of_convolutions_that_failed_is_run_again_by_another_process(
    tmp_path: Path, gpu: Gpu, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(measure: object, ways: object) -> Way:
        gpu.raced += 1
        raise RuntimeError("out of memory")

    job, members = packed(tmp_path, 9)
    with monkeypatch.context() as broken:
        broken.setattr(probing, "fastest", fails)
        assert [convolution_way(job, members) for _ in range(2)] == ["grouped", "grouped"]
    assert gpu.raced == 1
    forget()
    assert convolution_way(job, members) == "bmm"


def test_what_had_no_room_on_a_gpu_is_not_tried_by_another_process(
    tmp_path: Path, gpu: Gpu
) -> None:
    job, members = packed(tmp_path, 9)
    assert largest_pack(job, members) == 4
    remember(job, members[0], 2)
    forget()
    assert largest_pack(job, members) == 2
    assert largest_pack(replace(job, probe=False), members) == 2
    assert gpu.probed == [9]


def test_who_says_how_large_packs_are_is_not_overruled_by_a_probe(
    tmp_path: Path, gpu: Gpu
) -> None:
    job, members = packed(tmp_path, 9)
    assert largest_pack(job, members) == 4
    assert largest_pack(replace(job, probe=False), members) == 9


def test_what_had_no_room_on_a_cpu_is_known_to_this_process_alone(tmp_path: Path) -> None:
    job, members = packed(tmp_path, 9)
    job = replace(job, device="cpu", probe=False)
    remember(job, members[0], 2)
    assert largest_pack(job, members) == 2
    forget()
    assert largest_pack(job, members) == 9


@pytest.mark.parametrize("content", ["{", '{"schema": 1, "best": "x"}', "[]"])
def test_a_damaged_file_is_probed_anew(content: str, tmp_path: Path, gpu: Gpu) -> None:
    job, members = packed(tmp_path, 9)
    assert largest_pack(job, members) == 4
    forget()
    [path] = paths.probe_file(job.storage, "").parent.iterdir()
    path.write_text(content)
    assert largest_pack(job, members) == 4
    assert gpu.probed == [9, 9]
