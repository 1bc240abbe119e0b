"""The images of a folder by part (train, validation, test) and by class."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from trainers.errors import DataError
from trainers.image_files import SUFFIXES, ImageFiles, find_images, images_outside

__all__ = ["Album", "read_album"]

PARTS = {
    "train": ("train", "training"),
    "validation": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}
NAMED = 3


@dataclass(frozen=True)
class Album:
    """The image files of a folder.

    Parameters
    ----------
    root : the folder. depth : path components above the class folders.
    train, validation, test : files of each part, sorted by name.
    passed_over : how many entries were not read, by reason.
    remarks : warnings about an arrangement that may not be intended.
    """

    root: Path
    depth: int
    train: tuple[Path, ...]
    validation: tuple[Path, ...]
    test: tuple[Path, ...]
    passed_over: Mapping[str, int]
    remarks: tuple[str, ...] = ()

    @property
    def paths(self) -> tuple[Path, ...]:
        """All files: training, validation, test."""
        return (*self.train, *self.validation, *self.test)

    def class_of(self, path: Path) -> str | None:
        """The first folder below the file's part, its class; None if it lies in no such folder."""
        return path.parts[self.depth] if len(path.parts) > self.depth + 1 else None

    def labels(self) -> Int[Tensor, " examples"] | None:
        """Class numbers of `paths`, by sorted class names; None if any image has no class."""
        names = [self.class_of(path) for path in self.paths]
        known = [name for name in names if name is not None]
        if len(known) < len(names):
            return None
        number = {name: place for place, name in enumerate(sorted(set(known)))}
        return torch.tensor([number[name] for name in known])

    def class_remarks(self) -> Iterator[str]:
        """Warnings about classes: images without one, and classes that only the test part has."""
        flat = [path for path in self.paths if self.class_of(path) is None]
        if 0 < len(flat) < len(self.paths):
            yield (
                f"{len(flat):,} of {len(self.paths):,} images lie in no class folder, such as "
                f"{str(flat[0])!r}: no image has a label"
            )
            return
        learned = {self.class_of(path) for path in self.train}
        strange = Counter(
            name for path in self.test if (name := self.class_of(path)) not in learned
        )
        if strange:
            shown = ", ".join(repr(name) for name in sorted(map(str, strange))[:NAMED])
            yield (
                f"{strange.total():,} test images are of classes without a training image "
                f"({shown}{' …' if len(strange) > NAMED else ''})"
            )


def read_album(
    folder: Path, test_fraction: float, validation: int, seeds: tuple[int, int | None]
) -> Album:
    """Find the images of a folder, and split off test and validation parts if it has none.

    seeds: of both draws, and of that of the validation part if it has one of its own.
    `ImageFolder` documents which sub-folders are parts. Raises `DataError` for a folder that does
    not exist, a part without images, and a `validation` > 0 if the folder has a validation part.
    """
    if not os.path.isdir(folder):
        raise DataError(
            f"there are no images in {folder}, which is no folder; set `folder` to where they are"
        )
    folders = _part_folders(folder)
    tops = folders or {"train": folder}
    found = find_images([*tops.values()])
    files = dict(zip(tops, found.files, strict=True))
    for part in files.keys() - {"validation"}:
        _require_images(files[part], tops[part])
    if files.get("validation") and validation:
        raise DataError(
            f"{folder} has a validation part of its own, {folders['validation'].name} with "
            f"{len(files['validation']):,} images, and `validation: {validation}` sets training "
            "images apart: leave one of the two out"
        )
    rng = np.random.default_rng(seeds[0])
    rest, test = list(files["train"]), list(files.get("test", ()))
    if "test" not in files:
        rest, test = _set_apart(rest, round(test_fraction * len(rest)), rng)
    own = rng if seeds[1] is None else np.random.default_rng(seeds[1])
    train, apart = _set_apart(rest, validation, own)
    if not train or not test:
        raise DataError(
            f"{folder} leaves {len(train)} images to train on and {len(test)} to test; both need "
            "some: change `test_fraction`, `validation`, or the folder"
        )
    return Album(
        root=folder,
        depth=len(next(iter(tops.values())).parts),
        train=tuple(train),
        validation=files.get("validation") or tuple(apart),
        test=tuple(test),
        passed_over={**found.passed_over, **_outside(folder, folders, found)},
        remarks=tuple(_part_remarks(folder, folders, len(test))),
    )


def _part_folders(folder: Path) -> dict[str, Path]:
    """The sub-folders that are parts, by part; empty if they may as well be classes.

    They are parts where ``train`` lies beside ``test`` or ``val``, or is the only sub-folder.
    Raises `DataError` where two sub-folders are the same part.
    """
    try:
        names_inside = sorted(os.listdir(folder))
    except OSError as error:
        raise DataError(
            f"the folder {folder} cannot be listed ({error.strerror}); set `folder` to where the "
            "images are"
        ) from error
    inner = [
        folder / name
        for name in names_inside
        if not name.startswith(".") and os.path.isdir(folder / name)
    ]
    named = {
        part: [one for one in inner if one.name.lower() in names] for part, names in PARTS.items()
    }
    found = {part: folders[0] for part, folders in named.items() if folders}
    if "train" not in found or (len(found) == 1 and len(inner) > 1):
        return {}
    for part, folders in named.items():
        if len(folders) > 1:
            raise DataError(
                f"{folder} has {len(folders)} sub-folders for the {part} part, "
                f"{' and '.join(one.name for one in folders)}: keep one"
            )
    return found


def _require_images(files: Sequence[Path], folder: Path) -> None:
    if not files:
        raise DataError(
            f"there are no images in {folder} (looked at any depth for "
            f"{', '.join(sorted(SUFFIXES))}); set `folder` to where they are"
        )


def _outside(folder: Path, folders: Mapping[str, Path], found: ImageFiles) -> dict[str, int]:
    names = " and ".join(one.name for one in folders.values())
    count = images_outside(folder, found, [*folders.values()]) if folders else 0
    return {f"images outside {names}": count} if count else {}


def _part_remarks(folder: Path, folders: Mapping[str, Path], tested: int) -> Iterator[str]:
    if folders and "test" not in folders:
        yield (
            f"{folder} has no sub-folder test: {tested:,} random images of "
            f"{folders['train'].name} are the test part (`test_fraction`)"
        )


def _set_apart(
    paths: Sequence[Path], count: int, rng: np.random.Generator
) -> tuple[list[Path], list[Path]]:
    """Split `count` random paths off: the remaining paths and those, each in their order."""
    chosen = set(rng.permutation(len(paths))[:count].tolist())
    return (
        [path for row, path in enumerate(paths) if row not in chosen],
        [path for row, path in enumerate(paths) if row in chosen],
    )
