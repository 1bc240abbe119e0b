"""The mirror: incremental, never torn, and the same from every machine."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import torch

from sweeper.bucket.index import Held, Index
from sweeper.bucket.mirror import Mirror, mirror_at, mirror_of
from sweeper.bucket.objects import Bucket
from sweeper.storage.addresses import show_storage, storage_path
from sweeper.storage.attempts import (
    begin_attempt,
    bring_all,
    bring_trial,
    load_state,
    newest_attempt,
    publish,
)
from sweeper.storage.lease import take_lease
from sweeper.storage.ledger import check_writable, write_file
from sweeper.storage.paths import trial_folder
from sweeper.storage.signs import StopSign
from tests.sweeper.bucket.object_store import FaultyStore
from trainers import Record, checkpoint
from trainers.checkpoint import Attempt, Commit, Progress
from trainers.commit_format import MANIFEST, STATE

VALUES = torch.arange(1000.0)


def save(attempt: Attempt, epoch: int) -> Commit:
    """A commit that is not uploaded yet."""
    records = [Record(one, one, 0, {"loss": float(one)}) for one in range(1, epoch + 1)]
    return attempt.commit({"x": VALUES + epoch}, records, Progress(epoch, epoch, "running"))


def trial_on(machine: str, store: FaultyStore, address: str, patch: pytest.MonkeyPatch) -> Path:
    """The folder of a trial in the mirror of a machine, up to date."""
    store.be(machine, patch)
    return trial_folder(mirror_at(address).folder, "t1")


def newest(trial: Path) -> Commit:
    bring_trial(trial.parents[1], trial.name)
    found = checkpoint.latest(trial)
    assert found
    return found


def test_a_second_look_fetches_nothing(
    store: FaultyStore, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = trial_on("one", store, address, monkeypatch)
    for epoch in (1, 2):
        publish(save(begin_attempt(trial), epoch))
    store.be("two", monkeypatch)
    mirror = mirror_at(address)
    mirror.refresh()
    before = store.proxy.calls
    mirror.refresh()
    assert store.proxy.calls == before + 1
    assert len(list(mirror.folder.glob("trials/t1/*/*/manifest.json"))) == 2


def test_what_is_changed_or_deleted_is_so_in_the_mirror(
    store: FaultyStore, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = mirror_at(address)
    for name in ("a", "b", "c"):
        write_file(one.folder / "datasets" / name, name.encode())
    store.be("two", monkeypatch)
    two = mirror_at(address)
    two.refresh()
    (two.folder / "datasets" / "own").write_text("not uploaded yet")
    write_file(one.folder / "datasets" / "a", b"changed")
    Bucket(address).delete(["datasets/b"])
    (two.folder / "datasets" / "c").unlink()
    two.refresh()
    found = {path.name: path.read_text() for path in (two.folder / "datasets").iterdir()}
    assert found == {"a": "changed", "c": "c", "own": "not uploaded yet"}


def test_a_state_is_fetched_when_it_is_needed(
    store: FaultyStore, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = trial_on("one", store, address, monkeypatch)
    publish(save(begin_attempt(trial), 3))
    there = newest(trial_on("two", store, address, monkeypatch))
    assert set((there.folder / STATE).read_bytes()) == {0}
    assert [record.epoch for record in there.records()] == [1, 2, 3]
    assert torch.equal(load_state(there)["x"], VALUES + 3)


def test_an_upload_that_was_cut_in_the_middle_is_no_commit(
    store: FaultyStore, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = trial_on("one", store, address, monkeypatch)
    attempt = begin_attempt(trial)
    publish(save(attempt, 1))
    cut = save(attempt, 2)
    for name in (STATE, "records.json"):
        key = mirror_at(address).key(cut.folder / name)
        Bucket(address).put(key, (cut.folder / name).read_bytes())
    other = trial_on("two", store, address, monkeypatch)
    assert newest(other).progress.epoch == 1
    store.be("one", monkeypatch)
    bring_all(mirror_at(address).folder)
    assert newest(other).progress.epoch == 2


def test_a_reader_while_commits_are_written_and_pruned(
    store: FaultyStore, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = trial_on("one", store, address, monkeypatch)
    attempt = begin_attempt(trial)
    publish(save(attempt, 1))
    other = trial_on("two", store, address, monkeypatch)
    written = threading.Thread(target=lambda: [publish(save(attempt, e)) for e in range(2, 25)])
    written.start()
    seen = [newest(other)]
    while written.is_alive():
        seen.append(newest(other))
    written.join()
    seen.append(newest(other))
    epochs = [one.progress.epoch for one in seen]
    assert epochs == sorted(epochs)
    assert epochs[-1] == 24
    assert len(seen[-1].records()) == 24
    assert {path.name for path in other.glob("0001/*")} == {"000023", "000024"}


@pytest.mark.parametrize("call", ["put", "delete"])
def test_a_reader_of_the_same_machine_leaves_what_is_being_uploaded(
    store: FaultyStore, address: str, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """It looks after each write to the bucket, before the writer's index knows of it."""
    trial = trial_on("one", store, address, monkeypatch)
    attempt = begin_attempt(trial)
    publish(save(attempt, 1))
    reader, looks = Mirror(mirror_at(address).folder), 0
    real = getattr(Bucket, call)

    def then_look(bucket: Bucket, *given: Any) -> Any:
        nonlocal looks
        found = real(bucket, *given)
        if bucket is not reader.hasty:
            looks += 1
            reader.refresh()
        return found

    monkeypatch.setattr(Bucket, call, then_look)
    saved = save(attempt, 1)  # again in the same place, after an undisturbed one
    publish(saved)
    assert looks
    assert torch.equal(saved.load()["x"], VALUES + 1)
    assert torch.equal(load_state(newest(trial))["x"], VALUES + 1)
    later = save(attempt, 2)
    publish(later)
    assert torch.equal(later.load()["x"], VALUES + 2)
    monkeypatch.undo()
    other = trial_on("two", store, address, monkeypatch)
    assert torch.equal(load_state(newest(other))["x"], VALUES + 2)


def test_a_commit_that_a_reader_fetches_while_it_is_pruned_is_gone_at_the_next_look(
    store: FaultyStore, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader of the same machine looks when its files are gone, and its objects are not."""
    trial = trial_on("one", store, address, monkeypatch)
    attempt = begin_attempt(trial)
    for epoch in (1, 2):
        publish(save(attempt, epoch))
    reader, real = Mirror(mirror_at(address).folder), Bucket.delete

    def look_before(bucket: Bucket, keys: Iterable[str]) -> None:
        doomed = list(keys)
        reader.refresh()
        assert (attempt.folder / "000001" / MANIFEST).is_file()
        real(bucket, doomed)

    with monkeypatch.context() as patch:
        patch.setattr(Bucket, "delete", look_before)
        publish(save(attempt, 3))
    bring_all(reader.folder)
    assert sorted(path.name for path in attempt.folder.iterdir()) == ["000002", "000003"]
    kept = {entry.key.split("/")[3] for entry in Bucket(address).entries("trials")}
    assert kept == {"000002", "000003"}


def test_a_reader_whose_folder_another_one_deletes_looks_again(
    store: FaultyStore, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_file(mirror_at(address).folder / "datasets" / "a", b"1")
    store.be("two", monkeypatch)
    mirror, real, deleted = mirror_at(address), Bucket.download, list[Path]()

    def delete_once(bucket: Bucket, entry: Any, path: Path) -> bool:
        if not deleted:
            path.parent.rmdir()
            deleted.append(path)
        return real(bucket, entry, path)

    monkeypatch.setattr(Bucket, "download", delete_once)
    mirror.refresh()
    assert deleted
    assert (mirror.folder / "datasets" / "a").read_bytes() == b"1"


def test_what_the_worker_of_another_driver_has_saved_is_left_to_it(
    store: FaultyStore, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another command of its machine uploads it once that driver has ended."""
    trial = trial_on("one", store, address, monkeypatch)
    save(begin_attempt(trial), 1)
    lease = take_lease(trial)
    assert lease
    with lease:
        bring_all(mirror_at(address).folder)
        assert Bucket(address).entries("trials") == []
    bring_all(mirror_at(address).folder)
    assert len(Bucket(address).entries("trials")) == 3


@pytest.mark.parametrize("meanwhile", ["published", "pruned"])
def test_a_worker_that_lives_while_another_command_uploads_for_it(
    store: FaultyStore, address: str, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    """What it has published never disappears, and what it deletes is no error."""
    trial = trial_on("one", store, address, monkeypatch)
    saved, doomed = save(begin_attempt(trial), 1), list[str]()
    unknown = Mirror.unknown

    def then_work(mirror: Mirror, *given: Any) -> list[Path]:
        found = unknown(mirror, *given)
        publish(saved) if meanwhile == "published" else shutil.rmtree(saved.folder)
        return found

    def noted(bucket: Bucket, keys: Iterable[str]) -> None:
        doomed.extend(keys)

    monkeypatch.setattr(Mirror, "unknown", then_work)
    monkeypatch.setattr(Bucket, "delete", noted)
    bring_all(mirror_at(address).folder)
    assert doomed == []
    there = {entry.key.rpartition("/")[2] for entry in Bucket(address).entries("trials")}
    assert (MANIFEST in there) == (meanwhile == "published")


def test_what_another_command_brings_meanwhile_is_not_uploaded_without_its_content(
    store: FaultyStore, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It brings a commit of another machine between this one's refresh and its look at the files.

    The manifest is here before the index knows of it.
    """
    publish(save(begin_attempt(trial_on("one", store, address, monkeypatch)), 1))
    there = trial_on("two", store, address, monkeypatch)
    other, refresh = Mirror(mirror_at(address).folder), Mirror.refresh
    enter = Index.enter

    def but_manifests(index: Index, held: Iterable[Held]) -> None:
        enter(index, [one for one in held if not one.key.endswith(f"/{MANIFEST}")])

    def then_brought(mirror: Mirror, *given: Any, **more: Any) -> None:
        monkeypatch.setattr(Index, "enter", but_manifests)
        refresh(other)
        monkeypatch.setattr(Index, "enter", enter)

    monkeypatch.setattr(Mirror, "refresh", then_brought)
    bring_all(mirror_at(address).folder)
    monkeypatch.setattr(Mirror, "refresh", refresh)
    assert (there / "0001" / "000001" / MANIFEST).is_file()
    assert torch.equal(load_state(newest(there))["x"], VALUES + 1)
    third = trial_on("three", store, address, monkeypatch)
    assert torch.equal(load_state(newest(third))["x"], VALUES + 1)


def test_two_readers_of_a_machine_fetch_no_state(
    store: FaultyStore, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one brings all between a reader's listing and its look at the files."""
    publish(save(begin_attempt(trial_on("one", store, address, monkeypatch)), 1))
    there = trial_on("two", store, address, monkeypatch)
    mirror = mirror_at(address)
    other, entries = Mirror(mirror.folder), Bucket.entries

    def then_brought(bucket: Bucket, prefix: str = "") -> Any:
        found = entries(bucket, prefix)
        if bucket is mirror.hasty:
            other.refresh()
        return found

    monkeypatch.setattr(Bucket, "entries", then_brought)
    mirror.refresh()
    assert set((there / "0001" / "000001" / STATE).read_bytes()) == {0}


def test_a_driver_that_is_killed_as_it_writes_leaves_no_old_file(
    store: FaultyStore, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its object is new, its file is not, and both have the same size."""
    file = mirror_at(address).folder / "datasets" / "a"
    write_file(file, b"1")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            write_file(file, b"2")
    assert file.read_bytes() == b"1"
    mirror_at(address).refresh()
    assert file.read_bytes() == b"2"


def killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_two_machines_never_share_an_attempt(
    store: FaultyStore, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.proxy.chances = {"unanswered": 0.3}
    numbers = []
    for machine in ("one", "two", "one", "two"):
        trial = trial_on(machine, store, address, monkeypatch)
        numbers.append(begin_attempt(trial).number)
        assert newest_attempt(trial) == numbers[-1]
    assert numbers == [1, 2, 3, 4]


def test_a_damaged_index_is_made_anew(
    store: FaultyStore, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_file(mirror_at(address).folder / "datasets" / "a", b"1")
    store.be("two", monkeypatch)
    folder = mirror_at(address).folder
    for path in (folder / ".mirror").glob("index.db*"):
        path.write_bytes(b"damaged" * 1000)
    Mirror(folder).refresh()
    assert (folder / "datasets" / "a").read_bytes() == b"1"


def test_the_stop_sign_is_seen_on_every_machine(
    store: FaultyStore, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = mirror_at(address).folder / "sweeps" / "demo" / "s"
    store.be("two", monkeypatch)
    there = mirror_at(address).folder / "sweeps" / "demo" / "s"
    StopSign(there).put_up()
    assert not StopSign(there).path.exists()
    assert StopSign(here).is_up()
    StopSign(here).take_down()
    mirror_at(address).refresh()
    assert Bucket(address).entries() == []


def test_the_address_of_a_mirror(store: FaultyStore, address: str, tmp_path: Path) -> None:
    folder = storage_path(address)
    assert show_storage(folder) == address
    assert storage_path(str(folder)) == folder
    assert mirror_of(tmp_path) is None
    assert show_storage(tmp_path) == str(tmp_path)


def test_a_bucket_that_was_emptied_is_a_storage_again(store: FaultyStore, address: str) -> None:
    folder = storage_path(address)
    check_writable(folder)
    write_file(folder / "sweeps" / "demo" / "s" / "sweep.json", b"{}")
    (folder / "sweeps" / "demo" / "s" / "lease").touch()
    bucket = Bucket(address)
    bucket.delete(entry.key for entry in bucket.entries())
    mirror_at(address).refresh()
    assert storage_path(address) == folder
    check_writable(folder)
    assert [entry.key for entry in bucket.entries()] == ["sweeper.json"]
