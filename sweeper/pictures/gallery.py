"""PNG pictures of a trial's gallery, and of rows of images from an evaluation."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from analysis.sources.png import encode
from sweeper.storage.arrays import read_arrays

__all__ = ["gallery_png", "rows_png"]

ROWS = ("clean", "noisy", "denoised")
TILE = 64
GAP = 4


def gallery_png(gallery: Path) -> bytes | None:
    """Clean, noisy and denoised examples, one below the other, as a PNG.

    Returns None if there is no ``gallery.npz``, or it cannot be read.
    """
    stored = read_arrays(gallery)
    return rows_png(stored[name] for name in ROWS) if stored.keys() >= set(ROWS) else None


def rows_png(rows: Iterable[npt.NDArray[np.uint8]]) -> bytes:
    """Rows of images ``[n, C, H, W]``, one below the other, as a PNG."""
    return encode(np.concatenate([_strip(row) for row in rows]))


def _strip(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Images ``[n, C, H, W]`` side by side; small images are enlarged by repeating pixels."""
    scale = max(1, TILE // images.shape[-1])
    large = images.repeat(scale, axis=2).repeat(scale, axis=3).transpose(0, 2, 3, 1)
    framed = np.pad(large, ((0, 0), (0, GAP), (0, GAP), (0, 0)), constant_values=255)
    return np.concatenate(list(framed), axis=1)
