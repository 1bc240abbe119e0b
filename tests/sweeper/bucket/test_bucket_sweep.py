"""Sweeps on a bucket: the results of a folder, whatever the store does, from every machine."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from rich.console import Console

from sweeper.bucket.mirror import mirror_at
from sweeper.bucket.objects import Bucket
from sweeper.cli import main
from sweeper.doctor import surroundings
from sweeper.driver import storing
from sweeper.driver.jobs import make_job
from sweeper.driver.run import RunOptions, run
from sweeper.errors import UserError
from sweeper.messages import Event, Job
from sweeper.schedule.inline import InlineSchedule
from sweeper.storage import ledger
from sweeper.storage.addresses import storage_path
from sweeper.storage.attempts import bring_all, load_state
from sweeper.storage.lease import hold_lease
from sweeper.storage.paths import (
    examples_file,
    gallery_file,
    nonce_file,
    sweep_folder,
    trial_folder,
)
from sweeper.storage.signs import StopSign
from sweeper.sweep import Outcome, Sweep
from sweeper.worker.fitness import UnfitNode, require_fit
from sweeper.worker.local_copy import localized
from sweeper.worker.worker import train_pack
from tests.sweeper.bucket.object_store import FaultyStore, Place
from tests.sweeper.mlflow_view import READY
from tests.sweeper.small import final_state, metrics_of, newest, planned, small_sweep, undisturbed

pytestmark = READY


def bucket_sweep(folder: Path, address: str) -> Sweep:
    trials = [planned(seed=seed) for seed in range(2)]
    return small_sweep(folder, *trials, storage=storage_path(address))


def run_inline(sweep: Sweep) -> Outcome:
    return run(sweep, RunOptions(inline=True, console=Console(file=io.StringIO())))


def assert_equal(sweep: Sweep, other: Sweep) -> None:
    """The same metrics and weights, bit for bit, of every trial."""
    for trial in sweep.trials:
        load_state(newest(sweep, trial))  # it may be of its size alone here
    results = [
        [(metrics_of(one, trial), final_state(one, trial)) for trial in sweep.trials]
        for one in (sweep, other)
    ]
    assert results[0] == results[1]
    assert len(results[0]) == 2


def files_of(sweep: Sweep) -> list[str]:
    """What lies in the folders of the trials, by its path in the storage; leases left out."""
    found = sweep.storage.glob("trials/*/**/*")
    files = [one.relative_to(sweep.storage) for one in found if one.is_file()]
    return sorted(str(one) for one in files if one.name != "lease")


def test_a_sweep_under_faults_has_the_results_of_a_folder(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    place.store.proxy.delay_s = 0.1
    place.store.proxy.chances = {"refused": 0.05, "late": 0.05, "unanswered": 0.05}
    sweep = bucket_sweep(place.folder, place.address)
    outcome = run_inline(sweep)
    assert (outcome.finished, outcome.failed) == (2, 0)
    assert place.store.proxy.faults > 0
    assert_equal(sweep, undisturbed(place.folder, sweep.trials, packed=True))
    place.be("two")
    there = bucket_sweep(place.folder, place.address)
    assert files_of(there) == files_of(sweep)
    assert run_inline(there).skipped == 2
    assert main(["status", "demo", "--storage", place.address, "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["storage"], row["counts"]["finished"]) == (place.address, 2)
    assert main(["sample", sweep.trials[0].id, "--storage", place.address]) == 0


@pytest.mark.usefixtures("brisk")
def test_another_driver_on_the_same_prefix_is_refused(
    store: FaultyStore, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hold_lease(sweep_folder(bucket_sweep(tmp_path, address))):
        store.be("two", monkeypatch)
        with pytest.raises(UserError, match="already being run by process"):
            run_inline(bucket_sweep(tmp_path, address))


def test_a_trial_goes_on_and_ends_on_other_machines(
    store: FaultyStore, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = bucket_sweep(tmp_path, address)
    ledger.write_sweep(sweep, {})
    ledger.write_trials(sweep)
    ledger.write_file(nonce_file(sweep_folder(sweep)), b"n")
    jobs = [json.loads(make_job(sweep, [trial]).to_json()) for trial in sweep.trials]
    told: list[Event] = []
    for machine, until in (("two", 2), ("three", None)):
        store.be(machine, monkeypatch)
        for job in jobs:
            here = localized(json.dumps({**job, "nonce": "n", "until": until}))
            require_fit(here)
            train_pack(Job.from_json(here), told.extend)
    store.be("one", monkeypatch)
    assert ledger.status(sweep.storage, [sweep.trials[0].id]) == {sweep.trials[0].id: "pending"}
    assert all(ledger.has_finished(sweep.storage, trial.id) for trial in sweep.trials)
    assert {event.phase for event in told} >= {"pruned", "finished"}
    bring_all(sweep.storage)
    assert_equal(sweep, undisturbed(tmp_path, sweep.trials))
    brought = [
        place(trial_folder(sweep.storage, trial.id)).is_file()
        for trial in sweep.trials
        for place in (gallery_file, examples_file)
    ]
    assert brought == [True] * 4, "what the other machine has drawn"


def test_a_driver_knows_that_it_was_stopped_when_its_workers_saw_it_first(
    store: FaultyStore, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = bucket_sweep(tmp_path, address)

    def stop(_: InlineSchedule, jobs: Iterable[Job], *__: object, **___: object) -> None:
        """Workers of other machines, which leave at a sign of a moment ago."""
        assert len(list(jobs)) > 0
        sign = StopSign(sweep_folder(sweep))
        assert not sign.is_up(age_s=0)
        mirror = mirror_at(address)
        mirror.bucket.put(mirror.sign(sign.path), b"")

    monkeypatch.setattr(InlineSchedule, "run", stop)
    assert run_inline(sweep).interrupted


def test_a_sweep_on_a_bucket_is_not_stored_for_a_machine_without_sweeper(
    store: FaultyStore, address: str, tmp_path: Path
) -> None:
    sweep = bucket_sweep(tmp_path, address)
    with pytest.raises(UserError, match="is a bucket, and `python -m trainers`"):
        storing.store(sweep)
    assert store.proxy.calls > 0, "the address was looked at"
    assert not sweep_folder(sweep).exists()


def test_a_node_that_cannot_use_the_bucket_says_so(
    store: FaultyStore, address: str, tmp_path: Path
) -> None:
    sweep = bucket_sweep(tmp_path, address)
    row = json.loads(make_job(sweep, sweep.trials).to_json()) | {"nonce": "n"}
    store.proxy.answer = 403, b"<Error><Code>InvalidAccessKeyId</Code></Error>"
    with pytest.raises(UnfitNode, match="the store refuses the credentials"):
        require_fit(json.dumps(row))


def test_the_doctor_tries_the_bucket(store: FaultyStore, address: str) -> None:
    found = surroundings.storage(storage_path(address))
    assert (found.verdict, found.found) == ("ok", f"{address} can be written")
    assert Bucket(address).entries() == []
    store.proxy.without = frozenset({"if-match", "if-none-match"})
    refused = surroundings.storage(storage_path(address))
    assert refused.verdict == "stop"
    assert "ignores conditional writes" in refused.remedy
