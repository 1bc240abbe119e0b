"""Images as PNG files, for the report and for the tracker."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["encode"]

RUNS = {"compress_level": 1, "compress_type": 3}  # zlib's Z_RLE


def encode(pixels: NDArray[np.uint8], enlarged: bool = False) -> bytes:
    """A PNG file of pixels [H, W, C].

    One channel is grey and three are red, green and blue; a second or fourth one is opacity. In an
    enlarged image, which repeats its pixels, only runs are looked for, in half of the time.
    """
    buffer = io.BytesIO()
    Image.fromarray(pixels.squeeze(-1) if pixels.shape[-1] == 1 else pixels).save(
        buffer, format="PNG", **RUNS if enlarged else {}
    )
    return buffer.getvalue()
