"""CIFAR-10 colour images."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import torch

from trainers.datasets import DATASETS, Split, Splits, data_folder, hold_out, require_apart
from trainers.fields import Component, Limits, Natural, SplitSeed, Where
from trainers.files import require_digest

__all__ = ["Cifar10"]


@DATASETS.register("cifar10")
@dataclass(frozen=True, kw_only=True)
class Cifar10(Component):
    """CIFAR-10: 50,000 training and 10,000 test images of 3x32x32 values in [0, 1].

    The five training files and the test file must have the MD5 sums that torchvision lists. For
    the same images in another format use `image_folder`.

    Parameters
    ----------
    data_dir : folder with ``cifar-10-batches-py``; without it, SWEEPER_DATA.
    download : fetch the files with torchvision when they are missing.
    validation : how many of the last training images are the validation part. split_seed : seed
        of a random choice of them (and of those of `limit`); without it they are the last ones.
    limit : use only the first so many training images (0: all).

    References
    ----------
    Krizhevsky 2009; read through `torchvision.datasets.CIFAR10`.
    """

    reference: ClassVar[str] = "Krizhevsky 2009, Learning multiple layers of features"
    value_range: ClassVar[tuple[float, float] | None] = (0.0, 1.0)
    place: ClassVar[str] = "data_dir"

    data_dir: Annotated[str | None, Where()] = None
    download: Annotated[bool, Where()] = False
    validation: Annotated[int, Limits(ge=0, lt=50_000)] = 0
    limit: Natural = 0
    split_seed: SplitSeed = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require_apart(self.validation, self.split_seed)

    @property
    def shape(self) -> tuple[int, ...]:
        return 3, 32, 32

    def load(self) -> Splits:
        train, test = (self._part(train) for train in (True, False))
        kept, apart = hold_out(train, self.validation, self.limit, self.split_seed)
        return Splits(train=kept, test=test, scale=255.0, validation=apart)

    def checksum(self) -> str:
        split = "" if self.split_seed is None else f"/{self.split_seed}"
        about = f"{sorted(self._check().items())}/{self.validation}/{self.limit}{split}"
        return hashlib.sha256(about.encode()).hexdigest()[:16]

    def files(self) -> Sequence[Path]:
        from torchvision.datasets import CIFAR10

        folder = data_folder(self.data_dir, fetched=True) / CIFAR10.base_folder
        return [folder / name for name in self._check()]

    def _part(self, train: bool) -> Split:
        from torchvision.datasets import CIFAR10

        self._check()
        part = CIFAR10(str(data_folder(self.data_dir, fetched=True)), train=train)
        planes = torch.from_numpy(part.data).permute(0, 3, 1, 2)
        return Split(planes.flatten(1).contiguous(), torch.tensor(part.targets))

    def _check(self) -> dict[str, str]:
        """The MD5 sums of the files; raises `DataError` if one is missing or does not match."""
        from torchvision.datasets import CIFAR10

        root = data_folder(self.data_dir, fetched=True)
        folder = root / CIFAR10.base_folder
        if self.download and not folder.exists():
            CIFAR10(str(root), download=True)
        sums: dict[str, str] = dict((*CIFAR10.train_list, *CIFAR10.test_list))
        sums[CIFAR10.meta["filename"]] = CIFAR10.meta["md5"]
        for name, md5 in sums.items():
            _require(folder / name, md5)
        return sums


def _require(path: Path, md5: str) -> None:
    require_digest(
        path,
        "md5",
        md5,
        "unpack cifar-10-python.tar.gz into the folder that "
        "`data_dir` or SWEEPER_DATA names, or delete it and set `download: true`",
    )
