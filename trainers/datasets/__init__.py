"""Data sets: one file each, registered by name."""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from trainers.errors import DataError, InvalidValue
from trainers.fields import substitute
from trainers.registry import Registry

__all__ = [
    "DATASETS",
    "Dataset",
    "FromFiles",
    "Split",
    "Splits",
    "array_checksum",
    "data_folder",
    "hold_out",
    "load",
    "moved",
    "require_apart",
]


@dataclass(frozen=True)
class Split:
    """One part of a data set: flat examples (raw uint8, or floats in data units) and labels."""

    x: Shaped[Tensor, "examples dims"]
    labels: Int[Tensor, " examples"] | None = None

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True)
class Splits:
    """Train, validation and test parts; raw values divided by `scale` are in data units.

    `resample` is for training data that are redrawn in each epoch: it maps x in data units and
    Unif[0, 1) numbers of its shape to the x to train on. Validation and test parts never change.
    `passed_over` counts, by reason, the files that were found and not read; `remarks` are
    warnings about data that may not be intended.
    """

    train: Split
    test: Split
    scale: float = 1.0
    validation: Split = field(default_factory=lambda: Split(torch.empty(0, 0)))
    resample: Callable[[Tensor, Tensor], Tensor] | None = None
    passed_over: Mapping[str, int] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


@runtime_checkable
class Dataset(Hashable, Protocol):
    """The description of a data set; its shape is known before anything is read.

    `value_range` is the interval of the values in data units (None: the real line).
    """

    value_range: ClassVar[tuple[float, float] | None]

    @property
    def shape(self) -> tuple[int, ...]:
        """(channels, height, width) of an image, (d,) of a vector."""
        ...

    def load(self) -> Splits:
        """Read or generate the data; raises `DataError` if files are missing or damaged."""
        ...

    def checksum(self) -> str:
        """SHA-256 (16 hex digits) of the data that `load` returns, or of the files it reads."""
        ...


@runtime_checkable
class FromFiles(Protocol):
    """A data set that is read from files, which may be copied to other machines.

    `place` is the field that names their folder; where that is None, SWEEPER_DATA does.
    """

    place: ClassVar[str]

    def files(self) -> Sequence[Path]:
        """The files that `load` reads, in the folder or below; `DataError` if one is missing."""
        ...


DATASETS: Registry[Dataset] = Registry("data set", "trainers.datasets")


@functools.lru_cache(maxsize=4)
def load(dataset: Dataset) -> Splits:
    """`dataset.load()`, cached: a worker that trains many trials reads the data once."""
    return dataset.load()


def data_folder(data_dir: str | None, fetched: bool = False) -> Path:
    """The folder that `data_dir` or the environment variable SWEEPER_DATA names.

    `fetched` : whether the data set can be downloaded into it. Raises `DataError` if neither is
    set.
    """
    named = data_dir or os.environ.get("SWEEPER_DATA")
    if not named:
        fetch = "; with `download: true` it is filled" if fetched else ""
        raise DataError(
            "no data folder: set `data_dir` in the grid's `data`, or the environment "
            f"variable SWEEPER_DATA, to the folder that holds the data sets{fetch}"
        )
    return Path(named).expanduser()


def moved(dataset: Dataset, folder: Path) -> Dataset:
    """The same data set `FromFiles`, which are in another folder; none is downloaded into it."""
    assert isinstance(dataset, FromFiles)
    fetched = {"download": False} if hasattr(dataset, "download") else {}
    return substitute(dataset, {dataset.place: str(folder), **fetched})


def hold_out(
    train: Split, validation: int, limit: int, split_seed: int | None = None
) -> tuple[Split, Split]:
    """The training part and a validation part of the last `validation` examples.

    The training part is the first `limit` (0: all) of the other examples. With `split_seed` both
    are drawn at random, each in the order of the file. Raises `DataError` if no training examples
    are left.
    """
    if validation >= len(train):
        raise DataError(
            f"`validation` sets {validation:,} of {len(train):,} training examples "
            "apart, and none is left to train on: set fewer apart"
        )
    cut = len(train) - validation
    kept = min(cut, limit or cut)
    if split_seed is None:
        return _taken(train, slice(kept)), _taken(train, slice(cut, None))
    order = np.random.default_rng(split_seed).permutation(len(train))
    first, last = (torch.from_numpy(np.sort(part)) for part in (order[:kept], order[cut:]))
    return _taken(train, first), _taken(train, last)


def _taken(part: Split, rows: slice | Tensor) -> Split:
    return Split(part.x[rows], None if part.labels is None else part.labels[rows])


def require_apart(validation: int, split_seed: int | None) -> None:
    """Raise `InvalidValue` for a split of data of which no examples are set apart."""
    if split_seed is not None and not validation:
        raise InvalidValue(
            f"split_seed {split_seed} draws which examples are the validation part, and "
            "`validation` is 0: set some apart, as in `validation: 200`"
        )


def array_checksum(*arrays: npt.NDArray[np.generic]) -> str:
    """First 16 hex digits of the SHA-256 of the arrays' shapes, types and bytes."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]
