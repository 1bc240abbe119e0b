"""What a sweep packs has the same bits, however few of the pack are left to train."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sweeper.driver.jobs import Jobs, make_job
from sweeper.driver.rerun import rerun
from sweeper.messages import Event
from sweeper.resources import Resources
from sweeper.schedule.inline import InlineSchedule
from sweeper.storage import ledger, paths
from sweeper.storage.claims import Claims
from sweeper.sweep import Sweep
from sweeper.worker import probing, reporter, worker
from tests.sweeper.small import final_state, metrics_of, newest, planned, prepared, small_sweep
from trainers import Pack, checkpoint
from trainers.record import Record


@pytest.mark.usefixtures("_tell_at_once")
def test_a_pack_that_was_killed_gives_the_same_bits_whoever_is_left(tmp_path: Path) -> None:
    """One of three is finished, one was cut back to an epoch of its own: each is alone then."""
    trials = [planned(seed=seed, network="mlp", checkpoint_every=1) for seed in range(3)]
    packed = Resources(pack=3)
    calm, torn = (
        small_sweep(tmp_path / name, *trials, resources=packed) for name in ("calm", "torn")
    )
    for sweep in (calm, torn):
        drive(sweep)
    commits = [
        list(checkpoint.commits(paths.trial_folder(torn.storage, trial.id))) for trial in trials
    ]
    (commits[1][0].folder / "manifest.json").unlink()
    shutil.rmtree(paths.trial_folder(torn.storage, trials[2].id))
    drive(torn)
    for trial in trials:
        assert metrics_of(torn, trial) == metrics_of(calm, trial)
        assert final_state(torn, trial) == final_state(calm, trial)
        assert newest(torn, trial).manifest["packed"]
    assert rerun(torn.storage, trials[0].id).identical


@pytest.fixture
def _tell_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reporter, "TELL_EVERY", 0.0)


def drive(sweep: Sweep) -> None:
    """Train what is left, as a driver would hand it out."""
    prepared(sweep)
    states = ledger.status(sweep.storage, [trial.id for trial in sweep.trials])
    left = [trial for trial in sweep.trials if states[trial.id] != "finished"]
    with Claims(sweep.storage) as claims:
        jobs = Jobs(sweep, left, claims)
        InlineSchedule().run(jobs, sweep.resources, jobs.hear)


def test_only_what_a_sweep_packs_is_computed_as_a_pack(tmp_path: Path) -> None:
    """A trial whose program no other has is trained by itself, and costs no copy."""
    trials = [planned(seed=1), planned(seed=2), planned(network="mlp")]
    for pack, wanted in ((2, {True, False}), (1, {False})):
        sweep = small_sweep(tmp_path, *trials, resources=Resources(pack=pack))
        for todo in (trials, trials[1:]):
            with Claims(sweep.storage) as claims:
                made = [job for job in Jobs(sweep, todo, claims) if job]
            assert {job.packed for job in made} == wanted
            assert [job.packed for job in made if job.trials[-1].id == trials[2].id] == [False]


def test_a_copy_that_has_no_room_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = small_sweep(tmp_path, planned(), resources=Resources(pack=2))
    prepared(sweep)
    whole, news = Pack.run_epoch, list[Event]()

    def run_epoch(pack: Pack) -> dict[int, Record]:
        if pack.packed:
            raise MemoryError
        return whole(pack)

    monkeypatch.setattr(Pack, "run_epoch", run_epoch)
    monkeypatch.setattr(probing, "_FOUND", {})
    worker.train_pack(make_job(sweep, sweep.trials, packed=True), news.extend)
    assert news[-1].phase == "finished"
    assert "packed" not in newest(sweep, sweep.trials[0]).manifest


def test_what_cannot_be_computed_as_a_pack_is_trained_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`vmap` refuses some operators of networks of one's own, which train well by themselves."""
    trials = [planned(seed=seed) for seed in range(3)]
    sweep, calm = (small_sweep(tmp_path / name, *trials) for name in ("odd", "calm"))
    whole, news = Pack.run_epoch, list[Event]()

    def run_epoch(pack: Pack) -> dict[int, Record]:
        if pack.packed:
            raise RuntimeError("vmap: inplace arithmetic is not possible")
        return whole(pack)

    for one, packed in ((sweep, True), (calm, False)):
        prepared(one)
        with monkeypatch.context() as patched:
            patched.setattr(Pack, "run_epoch", run_epoch if packed else whole)
            for pack in [trials] if packed else [[trial] for trial in trials]:
                worker.train_pack(make_job(one, pack, packed=packed), news.extend)
    for trial in trials:
        assert metrics_of(sweep, trial) == metrics_of(calm, trial)
        assert final_state(sweep, trial) == final_state(calm, trial)
        assert "packed" not in newest(sweep, trial).manifest


@pytest.mark.usefixtures("_tell_at_once")
@pytest.mark.parametrize("sizes", [(1, 3), (3, 1)])
def test_a_trial_goes_on_as_it_was_begun(sizes: tuple[int, int], tmp_path: Path) -> None:
    """By itself, and its grid has got more seeds, or as a member, and its grid has fewer now."""
    trials = [planned(seed=seed, network="mlp", checkpoint_every=1) for seed in range(3)]
    first, last = (
        small_sweep(tmp_path, *trials[:size], resources=Resources(pack=3)) for size in sizes
    )
    drive(first)
    whole = metrics_of(first, trials[0])
    for commit in checkpoint.commits(paths.trial_folder(first.storage, trials[0].id)):
        if commit.progress.status == "finished":
            (commit.folder / "manifest.json").unlink()
    drive(last)
    assert metrics_of(last, trials[0]) == whole
    assert rerun(last.storage, trials[0].id).identical
