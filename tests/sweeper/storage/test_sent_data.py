"""Data sets from the storage: whole copies on a node, and a refusal of all else."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from sweeper.bucket.mirror import cache_folder
from sweeper.messages import Job
from sweeper.storage.paths import data_archive
from sweeper.storage.sent_data import fetch_data, send_data
from sweeper.worker.fitness import examine
from sweeper.worker.local_copy import with_data
from sweeper.worker.worker import train_pack
from tests.sweeper.small import final_state, metrics_of, planned, prepared, small_sweep
from tests.trainers.test_data_files import write_faces
from trainers.datasets import Dataset, FromFiles, moved
from trainers.datasets.digits import Digits
from trainers.datasets.frey_face import FreyFace
from trainers.datasets.image_folder import ImageFolder
from trainers.datasets.mnist import Mnist
from trainers.errors import DataError


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process has a cache folder of its own, and no folder with data sets."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("SWEEPER_DATA", raising=False)


def faces(folder: Path) -> Dataset:
    folder.mkdir()
    write_faces(folder)
    return FreyFace(data_dir=str(folder))


def images(folder: Path) -> Dataset:
    for part in ("train/cat", "train/dog", "test/cat"):
        (folder / part).mkdir(parents=True)
        for number in range(3):
            Image.new("L", (8, 8), 60 * number).save(folder / part / f"{number}.png")
    return ImageFolder(folder=str(folder), size=8)


@pytest.mark.parametrize("make", [faces, images])
def test_a_copy_is_the_data_set(make: Callable[[Path], Dataset], tmp_path: Path) -> None:
    here, storage = make(tmp_path / "here"), tmp_path / "sweeps"
    checksum = here.checksum()
    send_data(storage, here, checksum)
    sent = data_archive(storage, checksum).stat()
    send_data(storage, here, checksum)
    assert data_archive(storage, checksum).stat() == sent, "it was there"
    there = fetch_data(storage, here, checksum)
    (tmp_path / "here").rename(tmp_path / "elsewhere")
    assert there.checksum() == checksum
    assert len(there.load().train) > 0
    data_archive(storage, checksum).unlink()
    assert fetch_data(storage, here, checksum) == there, "it is not asked for again"


def purged(file: Path) -> None:
    file.unlink()


def emptied(file: Path) -> None:
    file.write_bytes(b"")


@pytest.mark.parametrize("spoil", [purged, emptied])
@pytest.mark.parametrize("make", [faces, images])
def test_a_copy_that_lost_files_is_replaced(
    make: Callable[[Path], Dataset], spoil: Callable[[Path], None], tmp_path: Path
) -> None:
    data, storage = make(tmp_path / "here"), tmp_path / "sweeps"
    checksum = data.checksum()
    send_data(storage, data, checksum)
    there = fetch_data(storage, data, checksum)
    assert isinstance(there, FromFiles)
    spoil(there.files()[0])
    assert fetch_data(storage, data, checksum).checksum() == checksum
    spoil(there.files()[0])
    data_archive(storage, checksum).unlink()
    with pytest.raises(DataError, match=r"\.tar is missing"):
        fetch_data(storage, data, checksum)


def test_a_copy_is_not_filled_by_a_download(tmp_path: Path) -> None:
    there = moved(Mnist(download=True), tmp_path)
    with pytest.raises(DataError, match="is missing"):
        there.checksum()


def test_equal_process_ids_write_different_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two containers have one storage; the second begins before the first has ended."""
    data, storage = faces(tmp_path / "here"), tmp_path / "sweeps"
    staged = list[str]()
    opened = tarfile.open

    def watched(name: Path, *arguments: Any, **settings: Any) -> tarfile.TarFile:
        staged.append(name.name)
        if len(staged) == 1:
            send_data(storage, data, data.checksum())
        return opened(name, *arguments, **settings)

    monkeypatch.setattr("sweeper.storage.sent_data.tarfile.open", watched)
    send_data(storage, data, data.checksum())
    assert len(set(staged)) == 2
    assert [path.name for path in data_archive(storage, "").parent.iterdir()] == [
        data_archive(storage, data.checksum()).name
    ]


def test_data_without_files_are_not_sent(tmp_path: Path) -> None:
    send_data(tmp_path, Digits(), Digits().checksum())
    assert not data_archive(tmp_path, Digits().checksum()).exists()
    assert fetch_data(tmp_path, Digits(), "0123") == Digits()


def cut(archive: bytes) -> bytes:
    return archive[: len(archive) // 2]


def changed(archive: bytes) -> bytes:
    middle = len(archive) // 2
    return archive[:middle] + bytes([archive[middle] ^ 1]) + archive[middle + 1 :]


@pytest.mark.parametrize("spoil", [cut, changed, lambda _: b"text"])
def test_a_damaged_archive_is_refused(spoil: Callable[[bytes], bytes], tmp_path: Path) -> None:
    data, storage = faces(tmp_path / "here"), tmp_path / "sweeps"
    checksum = data.checksum()
    archive = data_archive(storage, checksum)
    with pytest.raises(DataError, match=r"\.tar is missing"):
        fetch_data(storage, data, checksum)
    send_data(storage, data, checksum)
    archive.write_bytes(spoil(archive.read_bytes()))
    with pytest.raises(DataError, match=r"\.tar has not the files of the data set .*; delete it"):
        fetch_data(storage, data, checksum)
    assert [path.name for path in (cache_folder() / "data").iterdir()] == [f"{checksum}.lock"]
    archive.unlink()
    send_data(storage, data, checksum)
    assert fetch_data(storage, data, checksum).checksum() == checksum


def test_a_node_without_the_data_trains_as_one_that_has_them(tmp_path: Path) -> None:
    data = faces(tmp_path / "here")
    plan = planned(epochs=2)
    trial = replace(
        plan,
        trial=replace(plan.trial, data=data),
        data={"checksum": data.checksum(), "shape": [1, 28, 20], "dims": 560},
    )
    own, other = (small_sweep(tmp_path / name, trial) for name in ("own", "other"))
    [job] = prepared(own)
    train_pack(job, lambda _: None)
    send_data(other.storage, data, data.checksum())
    [job] = prepared(other)
    (tmp_path / "here").rename(tmp_path / "elsewhere")
    assert "frey_rawface.mat is missing" in str(examine_seen(job)["data"])
    sent = replace(job, send_data=True)
    assert examine_seen(sent)["data"] is None
    train_pack(with_data(sent), lambda _: None)
    assert metrics_of(other, trial) == metrics_of(own, trial)
    assert final_state(other, trial) == final_state(own, trial)


def examine_seen(job: Job) -> dict[str, object]:
    """What a node has of the needs of a job whose storage it sees."""
    Path(job.sweep, "nonce").write_text("n")
    return examine(replace(job, nonce="n").to_json())
