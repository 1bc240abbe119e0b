"""The Frey face video."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch

from trainers.datasets import DATASETS, Split, Splits, array_checksum, data_folder, hold_out
from trainers.errors import DataError
from trainers.fields import Component, Natural, SplitSeed, Where
from trainers.files import require_file

__all__ = ["FILE", "SPLIT", "FreyFace"]

FILE = "frey_rawface.mat"
PIXELS, FRAMES = 560, 1965
SPLIT = (1572, 193, 200)
REMEDY = (
    f"put {FILE} (from the web page of Sam Roweis) into the folder that `data_dir` or "
    "SWEEPER_DATA names"
)


@DATASETS.register("frey_face")
@dataclass(frozen=True, kw_only=True)
class FreyFace(Component):
    """Frey faces: 1,965 frames of one face, 28x20 grey pixels in [0, 1].

    1,572 frames to train on, 193 for validation, 200 to test, by a fixed permutation. Im et al.
    print 1572/295/200, which sums to more than 1,965. There is no published checksum, so only the
    shape and type of the file's array are checked.

    Parameters
    ----------
    data_dir : folder with ``frey_rawface.mat`` (key ``ff``, 560 x 1965, uint8); without it, the
        environment variable SWEEPER_DATA.
    data_seed : seed of the permutation. split_seed : seed of another random choice of the 193 of
        the 1,765 that are not to test.

    References
    ----------
    Roweis and Saul 2000; Im et al. 2017, arXiv:1511.06406, Table 2.
    """

    reference: ClassVar[str] = "Roweis and Saul 2000; Im et al. 2017, arXiv:1511.06406, Table 2"
    value_range: ClassVar[tuple[float, float] | None] = (0.0, 1.0)
    place: ClassVar[str] = "data_dir"

    data_dir: Annotated[str | None, Where()] = None
    data_seed: Natural = 0
    split_seed: SplitSeed = None

    @property
    def shape(self) -> tuple[int, ...]:
        return 1, 28, 20

    def load(self) -> Splits:
        frames = read_frames(self._path)
        order = np.random.default_rng(self.data_seed).permutation(FRAMES)
        parts = np.split(order, np.cumsum(SPLIT)[:2])
        train, validation, test = (Split(torch.from_numpy(frames[rows])) for rows in parts)
        if self.split_seed is not None:
            whole = Split(torch.cat([train.x, validation.x]))
            train, validation = hold_out(whole, SPLIT[1], 0, self.split_seed)
        return Splits(train=train, test=test, scale=255.0, validation=validation)

    def checksum(self) -> str:
        split = [] if self.split_seed is None else [self.split_seed]
        return array_checksum(read_frames(self._path), np.array([*SPLIT, self.data_seed, *split]))

    def files(self) -> Sequence[Path]:
        require_file(self._path, REMEDY)
        return [self._path]

    @property
    def _path(self) -> Path:
        return data_folder(self.data_dir) / FILE


def read_frames(path: Path) -> npt.NDArray[np.uint8]:
    """The frames as rows (1965, 560); raises `DataError` if the file is not this video."""
    require_file(path, REMEDY)
    faces = _read(path).get("ff")
    if faces is None or faces.shape != (PIXELS, FRAMES) or faces.dtype != np.uint8:
        found = "no such array" if faces is None else f"{faces.shape} of {faces.dtype}"
        raise DataError(
            f"{path} is not the Frey face video: an array 'ff' of "
            f"({PIXELS}, {FRAMES}) of uint8 expected, {found} found; {REMEDY}"
        )
    return np.ascontiguousarray(faces.T)


def _read(path: Path) -> dict[str, Any]:
    import scipy.io
    from scipy.io.matlab import MatReadError

    try:
        return dict(scipy.io.loadmat(path))
    except (
        MatReadError,
        zlib.error,
        OSError,
        ValueError,
        TypeError,
        NotImplementedError,
        IndexError,
        KeyError,
    ) as error:
        raise DataError(
            f"{path} is damaged or no MATLAB 5 file: {PIXELS * FRAMES:,} pixels expected, "
            f"{path.stat().st_size:,} bytes found ({error}); {REMEDY}"
        ) from error
