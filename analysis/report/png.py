"""Strips of images as PNG data, written with the standard library alone."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
from numpy.typing import NDArray

__all__ = ["data_uri", "encode", "strip"]

_COLOUR_TYPES = {2: 4, 4: 6}  # channels with alpha → PNG colour type


def strip(images: NDArray[np.uint8], gap: int) -> NDArray[np.uint8]:
    """Images [n, C, H, W] in a row, `gap` clear columns after each: [H, n(W + gap), C + 1]."""
    count, channels, height, width = images.shape
    if channels not in (1, 3):
        raise ValueError(f"images have one channel or three, and these have {channels}")
    tiles = np.zeros((height, count, width + gap, channels + 1), np.uint8)
    tiles[:, :, :width, :channels] = images.transpose(2, 0, 3, 1)
    tiles[:, :, :width, channels] = 255
    return tiles.reshape(height, count * (width + gap), channels + 1)


def encode(pixels: NDArray[np.uint8]) -> bytes:
    """A PNG file from pixels [H, W, 2] (grey, alpha) or [H, W, 4] (red, green, blue, alpha)."""
    height, width, channels = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOUR_TYPES[channels], 0, 0, 0)
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], axis=1)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def data_uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")
