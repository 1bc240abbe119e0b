"""Test images, what each model makes of them and of their noisy versions, and samples of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.figures.drawing.families import Family, all_families
from analysis.figures.drawing.view import NothingToDraw, View
from analysis.figures.search import goals_of, searched
from analysis.report.part import Block, Part
from analysis.sources.noise import noise_levels
from analysis.sources.png import encode
from analysis.sources.rows import varied
from analysis.sources.schema import DECLARED, SPLIT, Gallery
from analysis.wording import setting, symbol

__all__ = ["Level", "Strip", "best_first", "part", "shown_rows", "side_by_side", "unnamed"]

Images = NDArray[np.uint8]
ROWS = {
    "clean": "test images",
    "reconstructed": "reconstructed",
    "noisy": "with noise",
    "denoised": "denoised",
    "sampled": "samples of the prior, decoded",
}
ALWAYS = {"clean", "noisy", "denoised"}  # the others have pictures of generative models
_UNSCALED = "noise of σ = 0.1, as the model has no noise level of its own"
_MODELS, _LEVELS, _IMAGES, _CROP = 8, 16, 12, 8


@dataclass(frozen=True)
class Strip:
    """A row of images as a PNG; `crop` is the aspect ratio that a narrow screen shows of it."""

    name: str
    png: bytes
    crop: str


@dataclass(frozen=True)
class Level:
    """The images at one position of the dial, a noise level."""

    label: str
    strips: list[Strip]
    note: str


def part(view: View) -> Part:
    """One gallery a family of models, with a dial over its noise level; none without pictures."""
    found = [
        Block(
            "images",
            "gallery.html",
            family.label,
            {"levels": levels, "sign": symbol(scale)},
            half=True,
        )
        for scale, family in _first(best_first(view, all_families(view.finished)))
        if (levels := list(_levels(view, family, scale, unnamed(view, family))))
    ]
    return Part(order=100, blocks=found)


def best_first(view: View, found: list[tuple[str, Family]]) -> list[tuple[str, Family]]:
    """The families of a search by what it looked at, on average, the best first; others as found.

    view: of an experiment. found: families, each with its noise level.
    """
    try:
        goal, mode = next(iter(goals_of(searched(view)).items()))
    except NothingToDraw:
        return found
    sign = -1.0 if mode == "max" else 1.0
    costs = [sign * rows[goal].mean() for rows in (one.rows for _, one in found) if goal in rows]
    if len(costs) < len(found):
        return found
    order = np.argsort(costs, kind="stable")  # a mean that is not a number comes last
    return [found[place] for place in order]


def _first(found: list[tuple[str, Family]]) -> Iterator[tuple[str, Family]]:
    """The largest families of each noise level."""
    for scale in dict.fromkeys(scale for scale, _ in found):
        yield from [one for one in found if one[0] == scale][:_MODELS]


def unnamed(view: View, family: Family) -> str:
    """``d_z = 50, ``: what others of the sweep have otherwise, and the family's name leaves out.

    A family whose likes have not finished is named by its model alone.
    """
    every = view.experiment.trials
    every, first = every[every["role"] == DECLARED], family.rows.iloc[0]
    skipped = {"model", "seed", SPLIT, *noise_levels(every)}
    told = [
        setting(name, first[name])
        for name in varied(every)
        if name not in skipped
        and family.rows[name].map(str).nunique() == 1
        and first[name] is not None
        and first[name] == first[name]
        and not (name == "beta" and first[name] == 1)
    ]
    return "".join(f"{one}, " for one in told if one not in family.label.split(", "))


def _levels(view: View, family: Family, scale: str, also: str) -> Iterator[Level]:
    if not scale:
        yield from _shown(view, family.rows, _UNSCALED, also)
        return
    values = sorted(family.rows[scale].unique())
    if len(values) > _LEVELS:
        chosen = np.linspace(0, len(values) - 1, _LEVELS).round().astype(int)
        values = [values[index] for index in chosen]
    for value in values:
        rows = family.rows[family.rows[scale] == value]
        yield from _shown(view, rows, f"{symbol(scale)} = {value:g}", also)


def _shown(view: View, rows: pd.DataFrame, label: str, also: str) -> Iterator[Level]:
    """The pictures of the first seed that has them."""
    for _, row in rows.sort_values("seed").iterrows():
        pictures = view.experiment.galleries(row["trial"])
        if rows_shown := shown_rows(pictures):
            strips = [_strip(images[:_IMAGES], name) for name, images in rows_shown]
            yield Level(label, strips, f"{also}{_note(row)}")
            return


def shown_rows(pictures: Gallery | None) -> list[tuple[str, Images]]:
    """The rows of a trial's pictures with their names; empty without clean, noisy and denoised."""
    if pictures is None or not set(pictures) >= ALWAYS or not len(pictures["clean"]):
        return []
    return [(name, pictures[key]) for key, name in ROWS.items() if key in pictures]


def _note(row: pd.Series) -> str:
    said = [f"seed {row['seed']:g}"]
    for column, name, unit in (
        ("test/kl", "test KL", " nats"),
        ("test/denoise", "denoising error", ""),
    ):
        if column in row and row[column] == row[column]:
            said.append(f"{name} {row[column]:.4g}{unit}")
    return ", ".join(said)


def _strip(images: Images, name: str) -> Strip:
    height, width = images.shape[2:]
    gap = max(1, round(width / 14))
    crop = f"{min(_CROP, len(images)) * (width + gap)}/{height}"
    return Strip(name, encode(side_by_side(images, gap)), crop)


def side_by_side(images: Images, gap: int) -> Images:
    """Images [n, C, H, W] in a row, `gap` clear columns after each: [H, n(W + gap), C + 1]."""
    count, channels, height, width = images.shape
    if channels not in (1, 3):
        raise ValueError(f"images have one channel or three, and these have {channels}")
    tiles = np.zeros((height, count, width + gap, channels + 1), np.uint8)
    tiles[:, :, :width, :channels] = images.transpose(2, 0, 3, 1)
    tiles[:, :, :width, channels] = 255
    return tiles.reshape(height, count * (width + gap), channels + 1)
