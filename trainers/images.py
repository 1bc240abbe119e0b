"""Read image files as uint8 rows, into memory or into a file that is mapped."""

from __future__ import annotations

import functools
import os
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from trainers.errors import DataError

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["Background", "Header", "Pictures", "decode", "decode_once", "read_header"]

Background = Literal["white", "black"]

BATCH = 256
ORIENTATION = 0x0112  # the EXIF tag
DAMAGED = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    KeyError,
    TypeError,
    RuntimeError,
    struct.error,
)
SIXTEEN = ("I;16", "I;16B", "I;16L", "I;16N")


@dataclass(frozen=True)
class Header:
    """Properties of an image file that are known without decoding its pixels.

    Parameters
    ----------
    turned : EXIF asks for a rotation or reflection. transparent : it has an alpha channel or a
        transparent colour. animated : it has more than one frame (GIF, WebP, AVIF, TIFF, MPO).
    """

    turned: bool
    transparent: bool
    animated: bool


def read_header(path: Path) -> Header:
    """The header of a file; cached in the process until the file changes.

    Raises `DataError` if the file is not an image or cannot be read.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror})") from error
    return _header(path, status.st_size, status.st_mtime_ns)


@functools.lru_cache(maxsize=1_000_000)
def _header(path: Path, size: int, changed: int) -> Header:
    from PIL import Image

    with _opened(path) as image:
        return Header(
            # The method of a PNG would decode the pixels to look for EXIF behind them.
            Image.Image.getexif(image).get(ORIENTATION, 1) in range(2, 9),
            image.has_transparency_data and not _is_wide(image),
            bool(getattr(image, "is_animated", False)),
        )


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """Open an image; turns errors that the file causes within the block into `DataError`."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            yield image
    except DataError:
        raise
    except PermissionError as error:
        raise DataError(
            f"{path} may not be read ({error.strerror}); change its permissions or delete it"
        ) from error
    except DAMAGED as error:
        size = path.stat().st_size if path.exists() else 0
        raise DataError(
            f"{path} is damaged or no image: a whole image file expected, {size:,} bytes found "
            f"({error}); replace or delete it"
        ) from error
    except Image.DecompressionBombError as error:
        raise DataError(f"{path} is damaged or no image: {error}; replace or delete it") from error


@dataclass(frozen=True)
class Pictures:
    """Image files, each read as a flat row of C·size·size values, channels first.

    A map-style data set for a `DataLoader`. An image is turned as its EXIF orientation says, of
    several frames the first is read, transparent pixels are composed onto `background` (α·x +
    (1 − α)·background), the shorter side is resized to `size` pixels, and the middle of the longer
    side is kept. Of 16 bits a pixel the upper eight are kept.

    Parameters
    ----------
    paths : the files. size : pixels a side. colour : three channels (RGB), or one (grey).
    background : colour behind transparent pixels.

    Raises `DataError` for a file that is not a whole image, with its name and size, and for
    pixels of 32 bits, whose range is not known.
    """

    paths: tuple[Path, ...]
    size: int
    colour: bool
    background: Background = "white"

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def dims(self) -> int:
        """Values of one picture: C·size·size."""
        return (3 if self.colour else 1) * self.size**2

    @property
    def bytes(self) -> int:
        """Memory that all pictures take, in bytes."""
        return len(self) * self.dims

    def __getitem__(self, index: int) -> UInt8[Tensor, " dims"]:
        from PIL import ImageOps
        from torchvision.transforms import functional

        path = self.paths[index]
        with _opened(path) as file:
            ImageOps.exif_transpose(file, in_place=True)
            image = _opaque(_eight_bits(file, path), self.background)
            image = image.convert("RGB" if self.colour else "L")
        square = functional.center_crop(functional.resize(image, self.size), [self.size] * 2)
        row: Tensor = functional.pil_to_tensor(square).flatten()
        return row


def _opaque(image: Image.Image, background: Background) -> Image.Image:
    """An image with its transparent pixels composed onto a colour."""
    from PIL import Image

    if not image.has_transparency_data:
        return image
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, background), image)


def _is_wide(image: Image.Image) -> bool:
    """Whether an image has 16 bits a pixel."""
    return image.mode in SIXTEEN or (image.mode == "I" and image.format in ("PNG", "PPM"))


def _eight_bits(image: Image.Image, path: Path) -> Image.Image:
    """An image of 16 bits a pixel as one of eight; Pillow's own conversion clips it at 255."""
    from PIL import Image

    if not _is_wide(image) and image.mode in ("I", "F"):
        raise DataError(
            f"{path} has pixels of mode {image.mode} (32 bits), whose range is not "
            "known: 8 or 16 bits a pixel expected; convert or delete it"
        )
    if not _is_wide(image):
        return image
    return Image.fromarray(np.rint(np.asarray(image) / 257).astype(np.uint8))


def decode(pictures: Pictures, workers: int = 0) -> UInt8[Tensor, "examples dims"]:
    """All pictures, decoded into memory by `workers` processes (0: in this process)."""
    return torch.cat(
        [torch.empty(0, pictures.dims, dtype=torch.uint8), *_batches(pictures, workers)]
    )


def decode_once(
    pictures: Pictures, file: Path, workers: int = 0
) -> UInt8[Tensor, "examples dims"]:
    """All pictures as a tensor that is memory-mapped from `file`, which is written if missing.

    Rows are read from the disk when they are used. Several processes may call this at once: each
    writes a temporary file and renames it when it is complete. Raises `DataError` if the file
    cannot be written.
    """
    if not file.exists() or file.stat().st_size != pictures.bytes:
        try:
            _write(pictures, file, workers)
        except DataError:
            raise
        except OSError as error:
            raise DataError(
                f"{file.parent} cannot take the {pictures.bytes / 1e9:.1f} GB of pictures that "
                f"`memory_limit` keeps out of memory ({error.strerror or error}): set `cache_dir` "
                "to a folder that is yours and has room, or `memory_limit` higher"
            ) from error
    flat = torch.from_file(str(file), shared=False, size=pictures.bytes, dtype=torch.uint8)
    return flat.reshape(len(pictures), pictures.dims)


def _write(pictures: Pictures, file: Path, workers: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    staged = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        with staged.open("wb") as sink:
            for batch in _batches(pictures, workers):
                sink.write(batch.numpy().tobytes())
        staged.replace(file)
    finally:
        staged.unlink(missing_ok=True)


@dataclass(frozen=True)
class _Readable:
    """Pictures that return a `DataError` in place of a row that cannot be read.

    An error raised in a `DataLoader` process would have that process's traceback in its message.
    """

    pictures: Pictures

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> Tensor | DataError:
        try:
            return self.pictures[index]
        except DataError as error:
            return error


def _stacked(rows: Sequence[Tensor | DataError]) -> Tensor | DataError:
    """Rows as one batch, or the first error among them."""
    errors = [row for row in rows if isinstance(row, DataError)]
    return errors[0] if errors else torch.stack([row for row in rows if isinstance(row, Tensor)])


def _batches(pictures: Pictures, workers: int) -> Iterator[Tensor]:
    loader: torch.utils.data.DataLoader[Tensor | DataError] = torch.utils.data.DataLoader(
        _Readable(pictures),  # type: ignore[arg-type]
        batch_size=BATCH,
        num_workers=workers,
        collate_fn=_stacked,
    )
    for batch in loader:
        if isinstance(batch, DataError):
            raise batch
        yield batch
