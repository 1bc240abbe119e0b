"""The 8x8 handwritten digits that come with scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch

from trainers.datasets import DATASETS, Split, Splits, array_checksum
from trainers.fields import Component

__all__ = ["Digits"]


@DATASETS.register("digits")
@dataclass(frozen=True, kw_only=True)
class Digits(Component):
    """8x8 handwritten digits (1,797 images, values 0..16 scaled to [0, 1]); needs no download.

    Every fifth image is a test image: 1,437 to train on and 360 to test.

    References
    ----------
    Alpaydin and Kaynak 1998, UCI repository; `sklearn.datasets.load_digits`.
    """

    reference: ClassVar[str] = "Alpaydin and Kaynak 1998, UCI repository"
    value_range: ClassVar[tuple[float, float] | None] = (0.0, 1.0)

    @property
    def shape(self) -> tuple[int, ...]:
        return 1, 8, 8

    def load(self) -> Splits:
        images, labels = _arrays()
        test = np.arange(len(images)) % 5 == 0
        parts = [Split(torch.from_numpy(images[rows]), torch.from_numpy(labels[rows]))
                 for rows in (~test, test)]
        return Splits(train=parts[0], test=parts[1], scale=16.0)

    def checksum(self) -> str:
        return array_checksum(*_arrays())


def _arrays() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return bunch.data.astype(np.uint8), bunch.target.astype(np.int64)
