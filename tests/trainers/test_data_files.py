"""Frey faces and CIFAR-10: the right files are read, all others are refused."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import torch

from trainers.datasets.cifar10 import Cifar10
from trainers.datasets.frey_face import SPLIT, FreyFace
from trainers.errors import DataError


def write_faces(folder: Path, key: str = "ff", **settings: Any) -> Path:
    """A file of the video's form: frame j holds j in its first two pixels."""
    faces = np.random.default_rng(0).integers(0, 256, (560, 1965), dtype=np.uint8)
    faces[0], faces[1] = np.arange(1965) // 256, np.arange(1965) % 256
    path = folder / "frey_rawface.mat"
    scipy.io.savemat(path, {key: faces[:, : settings.pop("frames", 1965)]}, **settings)
    return path


def test_the_frey_faces_are_split_without_remainder(tmp_path: Path) -> None:
    write_faces(tmp_path)
    faces = FreyFace(data_dir=str(tmp_path))
    splits = faces.load()
    parts = (splits.train, splits.validation, splits.test)
    assert tuple(len(part) for part in parts) == SPLIT
    x = torch.cat([part.x for part in parts])
    assert x.dtype == torch.uint8
    assert x.shape == (1965, 560)
    assert sorted((x[:, 0].long() * 256 + x[:, 1]).tolist()) == list(range(1965))
    assert faces.shape == (1, 28, 20)
    assert faces.checksum() == FreyFace(data_dir=str(tmp_path)).checksum()
    assert faces.checksum() != FreyFace(data_dir=str(tmp_path), data_seed=1).checksum()


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("kept", [0, 10, 127, 130, 200, 1000, 5000, 0.5, 0.999])
def test_truncated_frey_faces_are_refused(tmp_path: Path, kept: float, compressed: bool) -> None:
    path = write_faces(tmp_path, do_compression=compressed)
    content = path.read_bytes()
    path.write_bytes(content[: kept if isinstance(kept, int) else int(kept * len(content))])
    with pytest.raises(DataError, match=r"frey_rawface\.mat.*(expected|damaged).*found"):
        FreyFace(data_dir=str(tmp_path)).load()


@pytest.mark.parametrize("wrong", [{"key": "faces"}, {"frames": 1964}])
def test_another_matlab_file_is_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    write_faces(tmp_path, **wrong)
    with pytest.raises(DataError, match=r"expected.*found"):
        FreyFace(data_dir=str(tmp_path)).checksum()


@pytest.fixture
def cifar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Six files of CIFAR-10's form with 20 images each, and torchvision told their MD5 sums."""
    from torchvision.datasets import CIFAR10

    folder = tmp_path / CIFAR10.base_folder
    folder.mkdir()
    rng = np.random.default_rng(0)
    sums = {}
    for name, _ in (*CIFAR10.train_list, *CIFAR10.test_list):
        data = rng.integers(0, 256, (20, 3072), dtype=np.uint8)
        sums[name] = write_pickle(folder / name, {"data": data, "labels": list(range(20))})
    meta = CIFAR10.meta | {
        "md5": write_pickle(
            folder / CIFAR10.meta["filename"], {"label_names": [str(n) for n in range(20)]}
        )
    }
    for attribute in ("train_list", "test_list"):
        names = [name for name, _ in getattr(CIFAR10, attribute)]
        monkeypatch.setattr(CIFAR10, attribute, [[name, sums[name]] for name in names])
    monkeypatch.setattr(CIFAR10, "meta", meta)
    return tmp_path


def write_pickle(path: Path, content: object) -> str:
    data = pickle.dumps(content)
    path.write_bytes(data)
    return hashlib.md5(data).hexdigest()


def test_cifar10_comes_channels_first(cifar: Path) -> None:
    splits = Cifar10(data_dir=str(cifar), validation=30).load()
    assert tuple(map(len, (splits.train, splits.validation, splits.test))) == (70, 30, 20)
    with (cifar / "cifar-10-batches-py" / "data_batch_1").open("rb") as file:
        stored = pickle.load(file)
    assert torch.equal(splits.train.x[:20], torch.from_numpy(stored["data"]))
    assert splits.train.labels is not None
    assert splits.train.labels[:20].tolist() == stored["labels"]


@pytest.mark.parametrize("name", ["data_batch_3", "test_batch", "batches.meta"])
def test_a_damaged_cifar10_file_is_refused(cifar: Path, name: str) -> None:
    path = cifar / "cifar-10-batches-py" / name
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=f"{name} is damaged: md5 [0-9a-f]+ expected, [0-9a-f]+ f"):
        Cifar10(data_dir=str(cifar)).checksum()
    path.unlink()
    with pytest.raises(DataError, match=f"{name} is missing"):
        Cifar10(data_dir=str(cifar)).load()
