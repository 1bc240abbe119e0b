"""PNG pictures of a trial's gallery, and of rows of images from an evaluation."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from analysis.sources.png import encode
from sweeper.storage.arrays import read_arrays

__all__ = ["gallery_png", "rows_png"]

Pixels = npt.NDArray[np.uint8]
Ends = tuple[float, float]

ROWS = ("clean", "reconstructed", "noisy", "denoised", "sampled")
ALWAYS = {"clean", "noisy", "denoised"}  # the others have galleries of generative models
TILE = 64
GAP = 4
LINE, LETTERS = 18, 13  # pixels: of a line of text, and of its letters
BAR = 96  # pixels: the length of the scale
PLAIN = {"x̂": "xhat", "σ²∇": "sigma^2 grad ", "−": "-", "σ": "sigma", "α": "alpha"}


def gallery_png(gallery: Path, ends: Ends | None = None) -> bytes | None:
    """The rows of a gallery, one below the other, as a PNG.

    Returns None if there is no ``gallery.npz``, or it cannot be read. ends : as of `rows_png`.
    """
    stored = read_arrays(gallery)
    if not stored.keys() >= ALWAYS:
        return None
    rows = [name for name in ROWS if name in stored]
    return rows_png([stored[name] for name in rows], rows, ends)


def rows_png(
    rows: Sequence[Pixels] | Pixels, captions: Sequence[str] = (), ends: Ends | None = None
) -> bytes:
    """Rows of images ``[n, C, H, W]``, one below the other, as a PNG.

    captions : a line of text above each row, or one above all. ends : the data values that are
    black and white, for a scale below the rows.
    """
    parts = []
    for place, row in enumerate(rows):
        strip = _strip(row)
        if place < len(captions):
            parts.append(_line(captions[place], strip.shape))
        parts.append(strip)
    if ends:
        parts.append(_scale(ends, parts[-1].shape))
    width = max(part.shape[1] for part in parts)
    enlarged = any(row.shape[-1] <= TILE // 2 for row in rows)
    return encode(np.concatenate([_widened(part, width) for part in parts]), enlarged)


def _strip(images: Pixels) -> Pixels:
    """Images ``[n, C, H, W]`` side by side; small images are enlarged by repeating pixels."""
    scale = max(1, TILE // images.shape[-1])
    large = images.repeat(scale, axis=2).repeat(scale, axis=3).transpose(0, 2, 3, 1)
    framed = np.pad(large, ((0, 0), (0, GAP), (0, GAP), (0, 0)), constant_values=255)
    return np.concatenate(list(framed), axis=1)


@functools.lru_cache(maxsize=64)  # trials of one data set have the same lines
def _line(words: str, like: tuple[int, ...]) -> Pixels:
    """A line of black letters on white, as wide as it needs; the font has ASCII letters only."""
    for letter, plain in PLAIN.items():
        words = words.replace(letter, plain)
    font = ImageFont.load_default(LETTERS)
    width = max(like[1], int(font.getlength(words)) + 2 * GAP)
    line = Image.new("L", (width, LINE), 255)
    ImageDraw.Draw(line).text((1, 1), words.encode("ascii", "replace").decode(), fill=0, font=font)
    return _coloured(np.asarray(line), like)


@functools.lru_cache(maxsize=16)
def _scale(ends: Ends, like: tuple[int, ...]) -> Pixels:
    """A bar from black to white with the data values of its ends."""
    low, high = (f"{end:g}" for end in ends)
    font = ImageFont.load_default(LETTERS)
    start = int(font.getlength(low)) + 2 * GAP
    words = f"{high} (data units)"
    width = max(like[1], start + BAR + GAP + int(font.getlength(words)) + GAP)
    line = Image.new("L", (width, LINE), 255)
    draw = ImageDraw.Draw(line)
    draw.text((1, 1), low, fill=0, font=font)
    draw.text((start + BAR + GAP, 1), words, fill=0, font=font)
    pixels = np.array(line)
    pixels[GAP:-GAP, start : start + BAR] = np.linspace(0, 255, BAR, dtype=np.uint8)
    draw = ImageDraw.Draw(framed := Image.fromarray(pixels))
    draw.rectangle((start - 1, GAP - 1, start + BAR, LINE - GAP), outline=128)
    return _coloured(np.asarray(framed), like)


def _coloured(grey: npt.NDArray[np.uint8], like: tuple[int, ...]) -> Pixels:
    """Grey pixels with as many channels as the rows have."""
    return grey[..., None].repeat(like[2], axis=2)


def _widened(part: Pixels, width: int) -> Pixels:
    return np.pad(part, ((0, 0), (0, width - part.shape[1]), (0, 0)), constant_values=255)
