"""Test images, their noisy versions and what each model makes of them, by noise level."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.figures.drawing.families import Family, families
from analysis.figures.drawing.style import escape
from analysis.figures.drawing.view import View
from analysis.report.png import data_uri, encode, strip
from analysis.schema import Gallery
from analysis.wording import symbol

__all__ = ["gallery_html"]

ROWS = {"clean": "test images", "noisy": "with noise", "denoised": "denoised"}
_MODELS, _LEVELS, _IMAGES, _CROP = 8, 16, 12, 8


@dataclass(frozen=True)
class _Level:
    """One position of the dial."""

    label: str
    pictures: Gallery
    note: str


def gallery_html(view: View) -> str:
    """One gallery a family of models, with a dial over its noise level; empty without pictures."""
    found = [(family, scale, levels) for scale in ("sigma", "alpha")
             for family in families(view.finished, scale)[:_MODELS]
             if (levels := list(_levels(view, family, scale)))]
    return "".join(_family(family, scale, levels) for family, scale, levels in found)


def _levels(view: View, family: Family, scale: str) -> Iterator[_Level]:
    values = sorted(family.rows[scale].unique())
    if len(values) > _LEVELS:
        chosen = np.linspace(0, len(values) - 1, _LEVELS).round().astype(int)
        values = [values[index] for index in chosen]
    for value in values:
        rows = family.rows[family.rows[scale] == value].sort_values("seed")
        for _, row in rows.iterrows():
            pictures = view.experiment.galleries(row["trial"])
            if pictures is not None and set(ROWS) <= set(pictures) and len(pictures["clean"]):
                yield _Level(f"{symbol(scale)} = {value:g}", pictures, _note(row))
                break


def _note(row: pd.Series) -> str:
    said = [f"seed {row['seed']:g}"]
    for column, name, unit in (("test/kl", "KL", "nats/example"),
                               ("test/denoise", "denoising error",
                                "data units²/example on the test set")):
        if column in row and row[column] == row[column]:
            said.append(f"{name} {row[column]:.4g} {unit}")
    return ", ".join(said)


def _family(family: Family, scale: str, levels: list[_Level]) -> str:
    middle = len(levels) // 2
    frames = "".join(_frame(level, index, middle, len(levels))
                     for index, level in enumerate(levels))
    sign = symbol(scale)
    dial = (f'<label class="dial"><span>{sign}</span><input type="range" min="0" '
            f'max="{len(levels) - 1}" step="1" value="{middle}" '
            f'aria-label="noise level {sign} of {escape(family.label)}">'
            f"<output>{escape(levels[middle].label)}</output></label>")
    return (f'<figure class="gallery"><div class="head"><h3>{escape(family.label)}</h3></div>'
            f"{dial}{frames}</figure>\n")


def _frame(level: _Level, index: int, middle: int, count: int) -> str:
    printed = " key" if index in (0, middle, count - 1) else ""
    hidden = "" if index == middle else " hidden"
    rows = "".join(_row(level.pictures[key][:_IMAGES], name) for key, name in ROWS.items())
    return (f'<div class="level{printed}" data-label="{escape(level.label)}"{hidden}>{rows}'
            f'<p class="note">{escape(level.label)}, {escape(level.note)}</p></div>')


def _row(images: np.ndarray, name: str) -> str:
    height, width = images.shape[2:]
    gap = max(1, round(width / 14))
    crop = f"{min(_CROP, len(images)) * (width + gap)}/{height}"
    uri = data_uri(encode(strip(images, gap)))
    return (f'<div class="strip"><span>{name}</span><img alt="{name}" src="{uri}" '
            f'style="--crop:{crop}"></div>')
