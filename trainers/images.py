"""Images of a folder as uint8 rows: in memory, or mapped from a file that is written once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from trainers.errors import DataError

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["SUFFIXES", "Pictures", "decode", "decode_once"]

SUFFIXES = frozenset(
    {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
)
BATCH = 256
SIXTEEN = ("I;16", "I;16B", "I;16L", "I;16N")


@dataclass(frozen=True)
class Pictures:
    """Image files, each read as a flat row of C·size·size values, channels first.

    The shorter side is resized to `size` and the middle of the longer one is kept; `colour` says
    whether there are three channels or one. Of 16 bits a pixel the upper eight are kept. It is a
    map-style data set for a `DataLoader`.

    Raises `DataError` at a file that is no whole image, with its name and size, and at pixels
    without a known range.
    """

    paths: tuple[Path, ...]
    size: int
    colour: bool

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def dims(self) -> int:
        """Values of one picture."""
        return (3 if self.colour else 1) * self.size**2

    @property
    def bytes(self) -> int:
        """Memory that all of them take."""
        return len(self) * self.dims

    def __getitem__(self, index: int) -> UInt8[Tensor, " dims"]:
        from PIL import Image
        from torchvision.transforms import functional

        path = self.paths[index]
        try:
            with Image.open(path) as file:
                image = _eight_bits(file, path).convert("RGB" if self.colour else "L")
        except DataError:
            raise
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise DataError(
                f"{path} is damaged or no image: a whole image file expected, "
                f"{path.stat().st_size:,} bytes found ({error}); replace or delete "
                "it"
            ) from error
        square = functional.center_crop(functional.resize(image, self.size), [self.size] * 2)
        row: Tensor = functional.pil_to_tensor(square).flatten()
        return row


def _eight_bits(image: Image.Image, path: Path) -> Image.Image:
    """An image of 16 bits a pixel as one of eight; Pillow's own conversion clips it at 255."""
    from PIL import Image

    wide = image.mode in SIXTEEN or (image.mode == "I" and image.format in ("PNG", "PPM"))
    if not wide and image.mode in ("I", "F"):
        raise DataError(
            f"{path} has pixels of mode {image.mode} (32 bits), whose range nobody "
            "knows: 8 or 16 bits a pixel expected; convert or delete it"
        )
    return Image.fromarray(np.rint(np.asarray(image) / 257).astype(np.uint8)) if wide else image


def decode(pictures: Pictures, workers: int = 0) -> UInt8[Tensor, "examples dims"]:
    """All pictures in memory."""
    return torch.cat(
        [torch.empty(0, pictures.dims, dtype=torch.uint8), *_batches(pictures, workers)]
    )


def decode_once(
    pictures: Pictures, file: Path, workers: int = 0
) -> UInt8[Tensor, "examples dims"]:
    """All pictures as a tensor that is mapped from `file`, which is written if it is not there.

    Rows are read from the disk when they are used. Several processes may call this at once: each
    writes a file of its own and renames it when it is whole.
    """
    if not file.exists() or file.stat().st_size != pictures.bytes:
        file.parent.mkdir(parents=True, exist_ok=True)
        staged = file.with_name(f"{file.name}.{os.getpid()}")
        with staged.open("wb") as sink:
            for batch in _batches(pictures, workers):
                sink.write(batch.numpy().tobytes())
        staged.replace(file)
    flat = torch.from_file(str(file), shared=False, size=pictures.bytes, dtype=torch.uint8)
    return flat.reshape(len(pictures), pictures.dims)


def _batches(pictures: Pictures, workers: int) -> Iterator[Tensor]:
    loader: torch.utils.data.DataLoader[Tensor] = torch.utils.data.DataLoader(
        pictures,  # type: ignore[arg-type]
        batch_size=BATCH,
        num_workers=workers,
    )
    yield from loader
