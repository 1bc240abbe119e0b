"""What every data set must do; one without a case here fails the suite.

Data sets of files read small files of the same form, so that nothing has to be installed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainers.test_data_files import cifar, write_faces
from tests.trainers.test_datasets import few_greys
from tests.trainers.test_image_folder import album
from trainers import Pack, Training, Trial
from trainers.conformance import data_sets
from trainers.datasets import DATASETS, Dataset, Splits
from trainers.likelihoods.gaussian import Gaussian
from trainers.networks.linear import Linear
from trainers.objectives.elbo import Elbo


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    return write_faces(tmp_path).parent


@pytest.fixture
def nothing(tmp_path: Path) -> Path:
    return tmp_path


FILES = (album, cifar, faces, few_greys, nothing)
SIZES: dict[str, tuple[str, dict[str, Any], tuple[int, int, int]]] = {
    "digits": ("nothing", {}, (1433, 0, 364)),
    "linear_gaussian": ("nothing", {"examples": 50}, (50, 0, 50)),
    "gaussian_mixture": ("nothing", {"examples": 50}, (50, 0, 50)),
    "mnist": ("few_greys", {"validation": 100}, (300, 100, 50)),
    "binarized_mnist": ("few_greys", {"validation": 100, "binarize": "dynamic"}, (300, 100, 50)),
    "cifar10": ("cifar", {"validation": 30}, (70, 30, 20)),
    "frey_face": ("faces", {}, (1572, 193, 200)),
    "image_folder": ("album", {"size": 8, "validation": 4, "test_fraction": 0.2}, (20, 4, 6)),
}

WHITE = {"digits": 16.0}  # of images that do not have eight bits a pixel

Make = Callable[[], Dataset]
every_data_set = pytest.mark.parametrize("name", DATASETS)


@pytest.fixture
def make(name: str, request: pytest.FixtureRequest) -> Make:
    fixture, fields, _ = SIZES[name]
    folder = str(request.getfixturevalue(fixture))
    named = {"image_folder": "folder"}.get(name, "data_dir")
    where = {named: folder} if fixture != "nothing" else {}
    return lambda: DATASETS[name](**where, **fields)


def parts_of(splits: Splits) -> dict[str, Any]:
    return {part: getattr(splits, part) for part in ("train", "validation", "test")}


def test_no_data_set_is_left_out() -> None:
    assert set(SIZES) == set(DATASETS)


@every_data_set
def test_parts_have_their_sizes(name: str, make: Make) -> None:
    data = make()
    splits = data.load()
    assert tuple(map(len, parts_of(splits).values())) == SIZES[name][2]
    assert splits.scale == (WHITE.get(name, 255.0) if data.value_range else 1.0)


@every_data_set
@pytest.mark.parametrize("rule", data_sets.RULES, ids=lambda rule: rule.__name__)
def test_every_data_set_keeps_the_rules(
    rule: Callable[[Dataset], None], name: str, make: Make
) -> None:
    rule(make())


@every_data_set
def test_what_is_read_and_its_checksum_stay(name: str, make: Make) -> None:
    first, again = make(), make()
    assert first == again
    assert first.name == name
    assert first.checksum() == again.checksum()
    for one, other in zip(
        parts_of(first.load()).values(), parts_of(again.load()).values(), strict=True
    ):
        assert torch.equal(one.x, other.x)


@every_data_set
def test_a_model_trains_and_is_tested_on_every_part(name: str, make: Make) -> None:
    trial = Trial(
        objective=Elbo(),
        likelihood=Gaussian(sigma=0.5),
        network=Linear(d_z=2),
        data=make(),
        training=Training(epochs=1, batch_size=10, lr=1e-4),
    )
    metrics = Pack([trial]).run_epoch()[0].metrics
    assert all(math.isfinite(value) for value in metrics.values())
    measured = {metric.partition("/")[0] for metric in metrics}
    assert measured == {"train", "test"} | ({"validation"} if SIZES[name][2][1] else set())
