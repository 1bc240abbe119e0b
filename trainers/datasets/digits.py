"""The 8x8 handwritten digits that come with scikit-learn."""

from __future__ import annotations

import functools
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
import numpy.typing as npt
import torch

from trainers.datasets import DATASETS, Split, Splits, array_checksum, hold_out, require_apart
from trainers.fields import Component, Later, Limits, SplitSeed

__all__ = ["Digits"]


@DATASETS.register("digits")
@dataclass(frozen=True, kw_only=True)
class Digits(Component):
    """8x8 handwritten digits (1,797 images, values 0..16 scaled to [0, 1]); needs no download.

    Every fifth image of each class is a test image: 1,433 to train on and 364 to test.

    Parameters
    ----------
    validation : how many of the last training images are the validation part. split_seed : seed
        of a random choice of them; without it they are the last ones.

    References
    ----------
    Alpaydin and Kaynak 1998, UCI repository; `sklearn.datasets.load_digits`.
    """

    reference: ClassVar[str] = "Alpaydin and Kaynak 1998, UCI repository"
    value_range: ClassVar[tuple[float, float] | None] = (0.0, 1.0)

    validation: Annotated[int, Limits(ge=0, lt=1433), Later()] = 0
    split_seed: SplitSeed = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require_apart(self.validation, self.split_seed)

    @property
    def shape(self) -> tuple[int, ...]:
        return 1, 8, 8

    def load(self) -> Splits:
        train, test = (
            Split(torch.from_numpy(images), torch.from_numpy(labels))
            for images, labels in _parts()
        )
        kept, apart = hold_out(train, self.validation, 0, self.split_seed)
        return Splits(train=kept, test=test, scale=16.0, validation=apart)

    def checksum(self) -> str:
        """Of all images and labels, and of how many are set apart and how, if any are."""
        said = [self.validation] if self.split_seed is None else [self.validation, self.split_seed]
        apart = [np.array(one) for one in said if self.validation]
        return array_checksum(*(array for part in _parts() for array in part), *apart)


def _parts() -> list[tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]]:
    """Images and labels of the train and the test part."""
    table = _table()
    images, labels = table[:, :-1].astype(np.uint8), table[:, -1].astype(np.int64)
    earlier = (labels[:, None] == np.arange(10)).cumsum(axis=0)
    test = earlier[np.arange(len(labels)), labels] % 5 == 1
    return [(images[rows], labels[rows]) for rows in (~test, test)]


@functools.cache
def _table() -> npt.NDArray[np.float64]:
    """One row for each image: 64 values and the label.

    Reads the file of `load_digits` without importing scikit-learn, which would take a worker
    longer than an epoch of training.
    """
    package = importlib.util.find_spec("sklearn")
    assert package is not None
    assert package.submodule_search_locations
    path = Path(package.submodule_search_locations[0]) / "datasets" / "data" / "digits.csv.gz"
    if path.exists():
        return np.loadtxt(path, delimiter=",")
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return np.column_stack([bunch.data, bunch.target])
