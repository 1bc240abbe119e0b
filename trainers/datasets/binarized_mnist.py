"""MNIST with binary pixels."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from trainers.datasets import DATASETS, Split, Splits, hold_out, require_apart
from trainers.datasets.mnist import Mnist
from trainers.fields import Component, Limits, Natural, SplitSeed, Where

__all__ = ["BinarizedMnist"]


@DATASETS.register("binarized_mnist")
@dataclass(frozen=True, kw_only=True)
class BinarizedMnist(Component):
    """MNIST in {0, 1}: a pixel of grey value g is 1 with probability g.

    ``static`` draws every image once, by `data_seed`. ``dynamic`` redraws the training images
    in each epoch, from each trial's own stream (Im et al. call this data augmentation);
    validation and test images are the static ones, so that all trials are tested on the same
    pixels. ``threshold`` sets a pixel to 1 if g > ½. None of them is Larochelle's fixed binary
    file.

    Parameters
    ----------
    binarize : ``static``, ``dynamic`` or ``threshold``. data_seed : seed of the fixed draws.
    data_dir, download, validation, limit, split_seed : as for `mnist`; with `split_seed` the
        binary pixels of an image do not depend on the part that it falls into.

    References
    ----------
    Salakhutdinov and Murray 2008; Burda et al. 2015, arXiv:1509.00519; Im et al. 2017,
    arXiv:1511.06406, Sec. 4.
    """

    reference: ClassVar[str] = "Salakhutdinov and Murray 2008; Im et al. 2017, Sec. 4"
    value_range: ClassVar[tuple[float, float] | None] = (0.0, 1.0)
    place: ClassVar[str] = "data_dir"

    binarize: Literal["static", "dynamic", "threshold"] = "static"
    data_seed: Natural = 0
    data_dir: Annotated[str | None, Where()] = None
    download: Annotated[bool, Where()] = False
    validation: Annotated[int, Limits(ge=0, lt=60_000)] = 0
    limit: Natural = 0
    split_seed: SplitSeed = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require_apart(self.validation, self.split_seed)

    @property
    def shape(self) -> tuple[int, ...]:
        return 1, 28, 28

    def load(self) -> Splits:
        grey = self._grey.load()
        train, validation, test = (
            self._binary(part, stream)
            for stream, part in enumerate((grey.train, grey.validation, grey.test))
        )
        if self.split_seed is not None:
            whole = self._binary(Mnist(data_dir=self.data_dir).load().train, 0)
            train, validation = hold_out(whole, self.validation, self.limit, self.split_seed)
        if self.binarize == "dynamic":
            return Splits(grey.train, test, grey.scale, validation, resample=switched_on)
        return Splits(train, test, grey.scale, validation)

    def checksum(self) -> str:
        about = f"{self._grey.checksum()}/{self.binarize}/{self.data_seed}"
        return hashlib.sha256(about.encode()).hexdigest()[:16]

    def files(self) -> Sequence[Path]:
        return self._grey.files()

    @property
    def _grey(self) -> Mnist:
        return Mnist(
            data_dir=self.data_dir,
            download=self.download,
            validation=self.validation,
            limit=self.limit,
            split_seed=self.split_seed,
        )

    def _binary(self, part: Split, stream: int) -> Split:
        """0 or 255 for each pixel: P(255) = value / 255 exactly, or value > 127."""
        grey = np.asarray(part.x)
        if self.binarize == "threshold":
            on = grey > 127
        else:
            rng = np.random.default_rng([stream, self.data_seed])
            on = rng.integers(0, 255, grey.shape, dtype=np.uint8) < grey
        return Split(torch.from_numpy(on.astype(np.uint8) * 255), part.labels)


def switched_on(x: Tensor, uniform: Tensor) -> Tensor:
    """1 with probability x, else 0."""
    return (uniform < x).to(x.dtype)
