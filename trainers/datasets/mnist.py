"""MNIST handwritten digits."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
import torch

from trainers.datasets import DATASETS, Split, Splits, data_folder, hold_out, require_apart
from trainers.fields import Component, Limits, Natural, SplitSeed, Where
from trainers.files import require_digest

__all__ = ["FILES", "Mnist"]

FILES = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
REMEDY = (
    "point `data_dir` or SWEEPER_DATA to the folder above MNIST/raw with the four unpacked "
    "files, or delete it and set `download: true`"
)


@DATASETS.register("mnist")
@dataclass(frozen=True, kw_only=True)
class Mnist(Component):
    """MNIST: 60,000 training and 10,000 test images of 28x28 pixels in [0, 1].

    The four files must have the SHA-256 sums of LeCun's files; otherwise raises `DataError`.

    Parameters
    ----------
    data_dir : folder with ``MNIST/raw``; without it, the environment variable SWEEPER_DATA.
    download : fetch the files with torchvision when they are missing.
    validation : how many of the last training images are the validation part. split_seed : seed
        of a random choice of them (and of those of `limit`); without it they are the last ones.
    limit : use only the first so many training images (0: all).

    References
    ----------
    LeCun et al. 1998. The files are downloaded by torchvision, and read here: its reader brings
    the compiler with it, which costs every process two seconds.
    """

    reference: ClassVar[str] = "LeCun et al. 1998, Gradient-based learning"
    value_range: ClassVar[tuple[float, float] | None] = (0.0, 1.0)
    place: ClassVar[str] = "data_dir"

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
        train, test = (self._part(part) for part in ("train", "t10k"))
        kept, apart = hold_out(train, self.validation, self.limit, self.split_seed)
        return Splits(train=kept, test=test, scale=255.0, validation=apart)

    def checksum(self) -> str:
        self.files()
        split = "" if self.split_seed is None else f"/{self.split_seed}"
        digest = hashlib.sha256(f"{self.validation}/{self.limit}{split}".encode())
        for sha256 in FILES.values():
            digest.update(bytes.fromhex(sha256))
        return digest.hexdigest()[:16]

    def files(self) -> list[Path]:
        """The four files; raises `DataError` if one is missing or its checksum does not match."""
        folder = data_folder(self.data_dir, fetched=True)
        raw = folder / "MNIST" / "raw"
        if self.download and not all((raw / name).exists() for name in FILES):
            from torchvision.datasets import MNIST

            MNIST(str(folder), download=True)
        for name, sha256 in FILES.items():
            require_digest(raw / name, "sha256", sha256, REMEDY)
        return [raw / name for name in FILES]

    def _part(self, part: str) -> Split:
        images, labels = (path for path in self.files() if path.name.startswith(part))
        pixels = torch.from_numpy(np.fromfile(images, np.uint8, offset=16))
        digits = torch.from_numpy(np.fromfile(labels, np.uint8, offset=8))
        return Split(pixels.reshape(-1, math.prod(self.shape)), digits.long())
