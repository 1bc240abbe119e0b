"""A split seed moves examples between training and validation part, and changes nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from tests.trainers.test_data_files import write_faces
from tests.trainers.test_datasets import needs_mnist
from trainers.datasets import Dataset, Split
from trainers.datasets.binarized_mnist import BinarizedMnist
from trainers.datasets.cifar10 import Cifar10
from trainers.datasets.digits import Digits
from trainers.datasets.frey_face import FreyFace
from trainers.datasets.image_folder import ImageFolder
from trainers.datasets.mnist import Mnist
from trainers.errors import InvalidValue

Make = Callable[[int | None], Dataset]


def digits(folder: Path) -> Make:
    return lambda split: Digits(validation=200, split_seed=split)


def faces(folder: Path) -> Make:
    write_faces(folder)
    return lambda split: FreyFace(data_dir=str(folder), split_seed=split)


def images(folder: Path) -> Make:
    for number in range(40):
        Image.new("L", (9, 9), 6 * number).save(folder / f"{number:02d}.png")
    return lambda split: ImageFolder(
        folder=str(folder), size=8, colour=False, validation=10, split_seed=split
    )


def mnist(folder: Path) -> Make:
    return lambda split: Mnist(validation=10_000, split_seed=split)


def static(folder: Path) -> Make:
    return lambda split: BinarizedMnist(validation=10_000, split_seed=split)


BIG = [pytest.param(make, marks=needs_mnist) for make in (mnist, static)]
every = pytest.mark.parametrize("make", [digits, faces, images, *BIG])


def examples(part: Split) -> list[str]:
    return [hashlib.md5(row.numpy().tobytes()).hexdigest() for row in part.x]


@every
def test_only_the_places_of_the_examples_change(
    make: Callable[[Path], Make], tmp_path: Path
) -> None:
    data = make(tmp_path)
    first, second = data(0).load(), data(1).load()
    kept, apart = examples(first.train), examples(first.validation)
    assert sorted(kept + apart) == sorted(examples(second.train) + examples(second.validation))
    assert (len(kept), len(apart)) == (len(second.train), len(second.validation))
    shared = len(set(apart) & set(examples(second.validation))) / len(apart)
    assert shared < 0.6
    assert torch.equal(first.test.x, second.test.x)
    assert torch.equal(data(None).load().test.x, first.test.x)
    assert len({data(split).checksum() for split in (None, 0, 1)}) == 3
    assert examples(data(0).load().train) == kept


def test_labels_and_the_order_of_the_file_stay_with_their_examples() -> None:
    whole, splits = Digits().load().train, Digits(validation=200, split_seed=3).load()
    assert whole.labels is not None
    found = {row.numpy().tobytes(): int(label) for row, label in zip(*_pair(whole), strict=True)}
    told = {
        row.numpy().tobytes(): int(label) for row, label in zip(*_pair(splits.train), strict=True)
    }
    assert told.items() <= found.items()
    place = {name: at for at, name in enumerate(examples(whole))}
    places = [place[name] for name in examples(splits.train)]
    assert len(places) == 1233
    assert places == sorted(places)


def _pair(part: Split) -> tuple[torch.Tensor, torch.Tensor]:
    assert part.labels is not None
    return part.x, part.labels


@needs_mnist
def test_a_limit_takes_random_examples_of_the_others() -> None:
    first, second = (Mnist(validation=9, limit=500, split_seed=k).load() for k in (0, 1))
    assert len(first.train) == len(second.train) == 500
    assert len(set(examples(first.train)) & set(examples(second.train))) < 50


@needs_mnist
def test_dynamic_pixels_are_redrawn_of_the_same_images() -> None:
    grey = Mnist(validation=100, limit=50, split_seed=2).load()
    dynamic = BinarizedMnist(binarize="dynamic", validation=100, limit=50, split_seed=2).load()
    assert torch.equal(dynamic.train.x, grey.train.x)
    assert dynamic.resample is not None


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        (Digits, {}),
        (Mnist, {}),
        (Cifar10, {}),
        (BinarizedMnist, {}),
        (ImageFolder, {"folder": "f"}),
    ],
)
def test_a_split_of_nothing_is_refused(kind: Any, more: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue, match="`validation` is 0: set some apart"):
        kind(split_seed=0, **more)
