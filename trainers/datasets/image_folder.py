"""Any folder of images."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
from torch import Tensor

from trainers.album import Album, read_album
from trainers.datasets import DATASETS, Split, Splits, require_apart
from trainers.errors import DataError
from trainers.fields import Component, Count, Fraction, Limits, Natural, SplitSeed, Where
from trainers.files import file_digest
from trainers.images import Background, Pictures, decode, decode_once, read_header

__all__ = ["ImageFolder"]


@DATASETS.register("image_folder")
@dataclass(frozen=True, kw_only=True)
class ImageFolder(Component):
    """A folder of images, found at any depth, scaled and cropped to size x size in [0, 1].

    **Parts.** A sub-folder ``train`` beside ``test``, ``val`` or both is the training part, and
    they are the test and validation parts (``training``, ``testing``, ``valid`` and ``validation``
    in any case mean the same). Without ``test`` a random share of the training images, without
    ``train`` of all images, is the test part. Without ``val``, `validation` random training images
    are the validation part; with ``val``, `validation` must be 0.

    **Classes.** The class of an image is the first folder below its part in the image's path:
    ``train/cat/images/1.png`` has the class cat. If any image lies in no class folder, no image
    has a label.

    **Files.** Files are recognised by their endings, in any case. Links are followed, and each
    file and folder is taken once; hidden ones are skipped (`trainers.image_files`). Images are
    turned as their EXIF orientation says, and transparent pixels are composed onto `background`
    (`trainers.images.Pictures`).

    **Memory.** Up to `memory_limit` the pictures are kept in memory as uint8. Larger folders are
    decoded once into a file in `cache_dir` and memory-mapped; results are the same.

    Parameters
    ----------
    folder : where the images are. size : pixels a side. colour : three channels, or one (grey).
    background : colour behind transparent pixels, white or black (in the checksum where an image
        has an alpha channel or a transparent colour).
    test_fraction : share of the images that are the test part, if there is no ``test``.
    validation : how many training images are the validation part. data_seed : seed of both draws.
    split_seed : seed of another draw of the validation part alone.
    memory_limit : gigabytes that the pictures may take in memory.
    cache_dir : folder for the decoded file of a larger folder (default: ``~/.cache/sweeper``).
    workers : processes that decode.

    Raises `DataError` for a folder without images, a part without images, and a damaged image.
    """

    reference: ClassVar[str] = "your own images; read through torchvision"
    value_range: ClassVar[tuple[float, float] | None] = (0.0, 1.0)
    place: ClassVar[str] = "folder"

    folder: Annotated[str, Where()]
    size: Count = 32
    colour: bool = True
    background: Annotated[Background, Where()] = "white"
    test_fraction: Fraction = 0.1
    validation: Natural = 0
    data_seed: Natural = 0
    split_seed: SplitSeed = None
    memory_limit: Annotated[float, Limits(gt=0), Where()] = 4.0
    cache_dir: Annotated[str, Where()] = "~/.cache/sweeper"
    workers: Annotated[int, Limits(ge=0), Where()] = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_apart(self.validation, self.split_seed)

    @property
    def shape(self) -> tuple[int, ...]:
        return 3 if self.colour else 1, self.size, self.size

    def load(self) -> Splits:
        album = self._album()
        paths, labels = album.paths, album.labels()
        x = self._decode(Pictures(paths, self.size, self.colour, self.background))
        ends = np.cumsum([len(album.train), len(album.validation), len(album.test)])[:-1].tolist()
        train, validation, test = (
            Split(x[rows], None if labels is None else labels[rows])
            for rows in (slice(ends[0]), slice(*ends), slice(ends[1], None))
        )
        animated = sum(read_header(path).animated for path in paths)
        frames = {"frames after the first, files": animated} if animated else {}
        return Splits(
            train=train,
            test=test,
            scale=255.0,
            validation=validation,
            passed_over={**album.passed_over, **frames},
            remarks=(*album.remarks, *album.class_remarks()),
        )

    def checksum(self) -> str:
        """Hash of the shape and of each image's path, class and content, part by part.

        The class is added only if it is not the name of the image's folder, the orientation only
        for turned images, and the background only for transparent ones.
        """
        digest = hashlib.sha256(f"{self.shape}".encode())
        album = self._album()
        for part in (album.train, album.validation, album.test):
            digest.update(f"{len(part)}".encode())
            for path in part:
                name = path.relative_to(self._root).as_posix()
                line = f"{name}/{self._digest(path)}{self._traits(path, album.class_of(path))}"
                digest.update(os.fsencode(line))
        return digest.hexdigest()[:16]

    def files(self) -> Sequence[Path]:
        return self._album().paths

    @property
    def _root(self) -> Path:
        return Path(self.folder).expanduser()

    def _digest(self, path: Path) -> str:
        try:
            return file_digest(path)
        except OSError as error:
            raise DataError(
                f"{path} cannot be read ({error.strerror}); make it readable, or delete it"
            ) from error

    def _traits(self, path: Path, label: str | None) -> str:
        """The class, orientation and background if path and content do not determine them."""
        header = read_header(path)
        return (
            (f"/class {label}" if label not in (None, path.parent.name) else "")
            + ("/turned" if header.turned else "")
            + (f"/on {self.background}" if header.transparent else "")
        )

    def _decode(self, pictures: Pictures) -> Tensor:
        if pictures.bytes <= self.memory_limit * 1e9:
            return decode(pictures, self.workers)
        file = Path(self.cache_dir).expanduser() / f"{self.checksum()}.uint8"
        return decode_once(pictures, file, self.workers)

    def _album(self) -> Album:
        seeds = (self.data_seed, self.split_seed)
        return read_album(self._root, self.test_fraction, self.validation, seeds)
