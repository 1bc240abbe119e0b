"""MNIST handwritten digits."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from trainers.datasets import DATASETS, Split, Splits, data_folder, hold_out
from trainers.errors import DataError
from trainers.fields import Component, Natural, Where

__all__ = ["FILES", "Mnist"]

FILES = {
    "train-images-idx3-ubyte": 47_040_016,
    "train-labels-idx1-ubyte": 60_008,
    "t10k-images-idx3-ubyte": 7_840_016,
    "t10k-labels-idx1-ubyte": 10_008,
}


@DATASETS.register("mnist")
@dataclass(frozen=True, kw_only=True)
class Mnist(Component):
    """MNIST: 60,000 training and 10,000 test images of 28x28 pixels in [0, 1].

    Parameters
    ----------
    data_dir : folder with ``MNIST/raw``; without it, the environment variable SWEEPER_DATA.
    download : fetch the files with torchvision when they are missing.
    validation : how many of the last training images are set apart.
    limit : use only the first so many training images (0: all).

    References
    ----------
    LeCun et al. 1998; read through `torchvision.datasets.MNIST`.
    """

    reference: ClassVar[str] = "LeCun et al. 1998, Gradient-based learning"
    value_range: ClassVar[tuple[float, float] | None] = (0.0, 1.0)

    data_dir: Annotated[str | None, Where()] = None
    download: Annotated[bool, Where()] = False
    validation: Natural = 0
    limit: Natural = 0

    @property
    def shape(self) -> tuple[int, ...]:
        return 1, 28, 28

    def load(self) -> Splits:
        train, test = (self._part(train) for train in (True, False))
        kept, apart = hold_out(train, self.validation, self.limit)
        return Splits(train=kept, test=test, scale=255.0, validation=apart)

    def checksum(self) -> str:
        digest = hashlib.sha256(f"{self.validation}/{self.limit}".encode())
        for path in self._files():
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()[:16]

    def _part(self, train: bool) -> Split:
        from torchvision.datasets import MNIST

        self._files()
        part = MNIST(str(data_folder(self.data_dir, fetched=True)), train=train)
        return Split(part.data.flatten(1), part.targets)

    def _files(self) -> list[Path]:
        folder = data_folder(self.data_dir, fetched=True)
        raw = folder / "MNIST" / "raw"
        if self.download and not all((raw / name).exists() for name in FILES):
            from torchvision.datasets import MNIST

            MNIST(str(folder), download=True)
        for name, size in FILES.items():
            _check(raw / name, size)
        return [raw / name for name in FILES]


def _check(path: Path, size: int) -> None:
    if not path.exists():
        raise DataError(f"MNIST is not in {path.parent}: {path.name} is missing; point `data_dir` "
                        "or SWEEPER_DATA to the folder above MNIST/raw, or set `download: true`")
    if path.stat().st_size != size:
        raise DataError(f"{path} is damaged: {size:,} bytes expected, {path.stat().st_size:,} "
                        "found; delete it and fetch it again")
