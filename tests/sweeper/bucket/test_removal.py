"""`remove`, `archive` and `restore` on a bucket: whole trials or none, and all comes back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from sweeper.bucket.mirror import Mirror, mirror_at
from sweeper.bucket.objects import Bucket
from sweeper.cli import main
from sweeper.storage import ledger
from sweeper.storage.addresses import storage_path
from sweeper.storage.claims import claims_in_bucket
from sweeper.storage.lease import hold_lease
from sweeper.storage.paths import sweep_folder
from sweeper.sweep import Sweep
from tests.sweeper.bucket.object_store import FaultyStore, Place
from tests.sweeper.bucket.test_bucket_sweep import assert_equal, bucket_sweep, files_of, run_inline
from tests.sweeper.mlflow_view import READY, look
from tests.sweeper.small import planned, small_sweep, undisturbed

pytestmark = [*READY, pytest.mark.usefixtures("patient")]


def keys(address: str) -> list[str]:
    return [entry.key for entry in Bucket(address).entries()]


def left(address: str) -> list[str]:
    """The objects, but for what is known of data sets, which stays."""
    found = keys(address)
    assert "sweeper.json" in found
    return [key for key in found if key != "sweeper.json" and not key.startswith("datasets/")]


def remove(address: str) -> int:
    return main(["remove", "demo", "--storage", address, "--yes"])


def trained(folder: Path, address: str) -> Sweep:
    sweep = bucket_sweep(folder, address)
    run_inline(sweep)
    return sweep


def test_an_archive_of_a_bucket_comes_back_to_a_bucket(
    store: FaultyStore, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine that archives and restores has trained nothing; the store fails meanwhile."""
    sweep = trained(tmp_path, address)
    before, file = files_of(sweep), str(tmp_path / "demo.tar.gz")
    store.proxy.chances = {"refused": 0.05, "unanswered": 0.05}
    store.be("two", monkeypatch)
    assert main(["archive", "demo", "--storage", address, "--out", file, "--yes"]) == 0
    assert left(address) == []
    assert not look(sweep.tracking).runs
    store.be("one", monkeypatch)
    storage_path(address)
    mirror_at(address).refresh()
    assert not files_of(sweep)
    store.be("two", monkeypatch)
    assert main(["restore", file, "--storage", address]) == 0
    assert main(["restore", file, "--storage", address]) == 2, "it is there already"
    store.be("one", monkeypatch)
    mirror_at(address).refresh()
    assert files_of(sweep) == before
    assert_equal(sweep, undisturbed(tmp_path, sweep.trials, packed=True))
    assert run_inline(sweep).skipped == 2


def archived(folder: Path, address: str) -> tuple[Sweep, list[str], str]:
    """A sweep that was trained and is in an archive only, its files before, and the archive."""
    sweep = trained(folder, address)
    before, file = files_of(sweep), str(folder / "demo.tar.gz")
    assert main(["archive", "demo", "--storage", address, "--out", file, "--yes"]) == 0
    return sweep, before, file


def test_a_restore_that_was_killed_goes_on(
    store: FaultyStore, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of one trial all but its `trial.json` was uploaded."""
    sweep, before, file = archived(tmp_path, address)
    assert main(["restore", file, "--storage", address]) == 0
    gone = f"trials/{sweep.trials[0].id}/trial.json"
    swept = [key for key in keys(address) if key.startswith("sweeps/")]
    Bucket(address).delete([gone, *swept])
    store.be("two", monkeypatch)
    assert main(["restore", file, "--storage", address]) == 0
    assert files_of(bucket_sweep(tmp_path, address)) == before
    assert gone in keys(address)


def test_a_reader_of_the_same_machine_while_a_sweep_is_restored(
    store: FaultyStore, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looks after every upload, and takes no file for whole of which it has the size only."""
    sweep, before, file = archived(tmp_path, address)
    reader, put, looks = Mirror(mirror_at(address).folder), Bucket.put, list[str]()

    def then_look(bucket: Bucket, key: str, content: bytes | Path) -> str:
        tag = put(bucket, key, content)
        reader.refresh()
        looks.append(key)
        return tag

    with monkeypatch.context() as patch:
        patch.setattr(Bucket, "put", then_look)
        assert main(["restore", file, "--storage", address]) == 0
    assert set(before) < set(looks)
    assert files_of(sweep) == before
    assert_equal(sweep, undisturbed(tmp_path, sweep.trials, packed=True))


def test_who_reads_meanwhile_sees_whole_trials_or_none(
    store: FaultyStore, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looks after every deletion; the older commit of a trial is never the newest."""
    trials = [planned(seed=seed, checkpoint_every=1) for seed in range(2)]
    sweep = small_sweep(tmp_path, *trials, storage=storage_path(address))
    run_inline(sweep)
    assert sum(key.endswith("manifest.json") for key in keys(address)) > 2
    Bucket(address).put(f"data/{trials[0].data['checksum']}.tar", b"files of the data set")
    store.be("two", monkeypatch)
    reader, seen = mirror_at(address), [set[str]()]
    delete = Bucket.delete

    def watched(bucket: Bucket, doomed: Iterable[str]) -> None:
        delete(bucket, doomed)
        reader.refresh()
        seen.append(set(ledger.status(reader.folder, [one.id for one in trials]).values()))

    store.be("one", monkeypatch)
    monkeypatch.setattr(Bucket, "delete", watched)
    assert remove(address) == 0
    assert set.union(*seen) == {"finished", "pending"}
    assert left(address) == []


def test_a_trial_that_another_machine_trains_is_not_removed(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = trained(place.folder, place.address)
    place.be("two")
    other = sweep_folder(replace(sweep, name="other-1", storage=storage_path(place.address)))
    with hold_lease(other):
        claims = claims_in_bucket(mirror_at(place.address).folder, other)
        assert claims is not None
        assert claims.take(sweep.trials[1].id)
        place.be("one")
        assert remove(place.address) == 2
    assert "is being trained by another process" in capsys.readouterr().err
    assert f"trials/{sweep.trials[1].id}/trial.json" in keys(place.address)
    assert remove(place.address) == 0, "the same command goes on"
    assert [key for key in left(place.address) if not key.startswith("signs/")] == []
