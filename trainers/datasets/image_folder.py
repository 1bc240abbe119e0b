"""Any folder of images."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
import torch
from torch import Tensor

from trainers.datasets import DATASETS, Split, Splits
from trainers.errors import DataError
from trainers.fields import Component, Count, Fraction, Limits, Natural, Where
from trainers.files import file_digest
from trainers.images import SUFFIXES, Pictures, decode, decode_once

__all__ = ["ImageFolder"]


@DATASETS.register("image_folder")
@dataclass(frozen=True, kw_only=True)
class ImageFolder(Component):
    """A folder of images, found at any depth, scaled and cropped to size x size in [0, 1].

    With sub-folders ``train`` and ``test`` those are the parts; otherwise a random share is the
    test part. The folder an image lies in is its class (none for images at the top). Up to
    `memory_limit` the pictures stay in memory as uint8. Larger folders are read once, by
    torchvision and a DataLoader, into a file in `cache_dir`, and mapped from there: a pack's
    members then take their batches in their own orders, and a run's results are the same.

    Parameters
    ----------
    folder : where the images are. size : pixels a side. colour : three channels, or one (grey).
    test_fraction : share of the images that are the test part, where there is no ``test``.
    validation : how many training images are set apart. data_seed : seed of these choices.
    memory_limit : gigabytes that the pictures may take in memory.
    cache_dir : where to put the file of a larger folder (default: ``~/.cache/sweeper``).
    workers : processes that decode.
    """

    reference: ClassVar[str] = "your own images; read through torchvision"
    value_range: ClassVar[tuple[float, float] | None] = (0.0, 1.0)

    folder: Annotated[str, Where()]
    size: Count = 32
    colour: bool = True
    test_fraction: Fraction = 0.1
    validation: Natural = 0
    data_seed: Natural = 0
    memory_limit: Annotated[float, Limits(gt=0), Where()] = 4.0
    cache_dir: Annotated[str, Where()] = "~/.cache/sweeper"
    workers: Annotated[int, Limits(ge=0), Where()] = 0

    @property
    def shape(self) -> tuple[int, ...]:
        return 3 if self.colour else 1, self.size, self.size

    def load(self) -> Splits:
        parts = self._parts()
        paths = tuple(path for part in parts for path in part)
        x = self._decode(Pictures(paths, self.size, self.colour))
        labels = self._labels(paths)
        ends = np.cumsum([len(part) for part in parts])
        train, validation, test = (
            Split(
                x[end - len(part) : end], None if labels is None else labels[end - len(part) : end]
            )
            for part, end in zip(parts, ends, strict=True)
        )
        return Splits(train=train, test=test, scale=255.0, validation=validation)

    def checksum(self) -> str:
        digest = hashlib.sha256(f"{self.shape}".encode())
        for part in self._parts():
            digest.update(f"{len(part)}".encode())
            for path in part:
                name = path.relative_to(self._root).as_posix()
                digest.update(os.fsencode(f"{name}/{file_digest(path)}"))
        return digest.hexdigest()[:16]

    @property
    def _root(self) -> Path:
        return Path(self.folder).expanduser()

    def _decode(self, pictures: Pictures) -> Tensor:
        if pictures.bytes <= self.memory_limit * 1e9:
            return decode(pictures, self.workers)
        file = Path(self.cache_dir).expanduser() / f"{self.checksum()}.uint8"
        return decode_once(pictures, file, self.workers)

    def _parts(self) -> tuple[Sequence[Path], Sequence[Path], Sequence[Path]]:
        """The files to train on, for validation and to test, in this order."""
        rng = np.random.default_rng(self.data_seed)
        if (self._root / "train").is_dir() and (self._root / "test").is_dir():
            rest, test = (images(self._root / part) for part in ("train", "test"))
        else:
            found = images(self._root)
            rest, test = _set_apart(found, round(self.test_fraction * len(found)), rng)
        train, validation = _set_apart(rest, self.validation, rng)
        if not train or not test:
            raise DataError(
                f"{self.folder} leaves {len(train)} images to train on and "
                f"{len(test)} to test; both need some: change `test_fraction`, "
                "`validation`, or the folder"
            )
        return train, validation, test

    def _labels(self, paths: Sequence[Path]) -> Tensor | None:
        tops = {self._root, self._root / "train", self._root / "test"}
        if any(path.parent in tops for path in paths):
            return None
        names = sorted({path.parent.name for path in paths})
        return torch.tensor([names.index(path.parent.name) for path in paths])


def images(folder: Path) -> list[Path]:
    """The image files below a folder, in the order of their names."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not found:
        raise DataError(
            f"there are no images in {folder} (looked at any depth for "
            f"{', '.join(sorted(SUFFIXES))}); set `folder` to where they are"
        )
    return found


def _set_apart(
    paths: Sequence[Path], count: int, rng: np.random.Generator
) -> tuple[list[Path], list[Path]]:
    """Some paths at random, and the others, each in their order."""
    chosen = set(rng.permutation(len(paths))[:count].tolist())
    return (
        [path for row, path in enumerate(paths) if row not in chosen],
        [path for row, path in enumerate(paths) if row in chosen],
    )
