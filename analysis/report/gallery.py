"""Test images, their noisy versions and what each model makes of them, by noise level."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.figures.drawing.families import Family, all_families
from analysis.figures.drawing.style import escape
from analysis.figures.drawing.view import View
from analysis.report.png import data_uri, encode, strip
from analysis.sources.schema import Gallery
from analysis.wording import symbol

__all__ = ["gallery_html"]

ROWS = {"clean": "test images", "noisy": "with noise", "denoised": "denoised"}
_UNSCALED = "noise of σ = 0.1, as the model has no noise level of its own"
_MODELS, _LEVELS, _IMAGES, _CROP = 8, 16, 12, 8


@dataclass(frozen=True)
class _Level:
    """One position of the dial."""

    label: str
    pictures: Gallery
    note: str


def gallery_html(view: View) -> str:
    """One gallery a family of models, with a dial over its noise level; empty without pictures."""
    found = [
        (family, scale, levels)
        for scale, family in _first(all_families(view.finished))
        if (levels := list(_levels(view, family, scale)))
    ]
    return "".join(_family(family, scale, levels) for family, scale, levels in found)


def _first(found: list[tuple[str, Family]]) -> Iterator[tuple[str, Family]]:
    """The largest families of each scale."""
    for scale in ("sigma", "alpha", ""):
        yield from [one for one in found if one[0] == scale][:_MODELS]


def _levels(view: View, family: Family, scale: str) -> Iterator[_Level]:
    if not scale:
        yield from _shown(view, family.rows, _UNSCALED)
        return
    values = sorted(family.rows[scale].unique())
    if len(values) > _LEVELS:
        chosen = np.linspace(0, len(values) - 1, _LEVELS).round().astype(int)
        values = [values[index] for index in chosen]
    for value in values:
        rows = family.rows[family.rows[scale] == value]
        yield from _shown(view, rows, f"{symbol(scale)} = {value:g}")


def _shown(view: View, rows: pd.DataFrame, label: str) -> Iterator[_Level]:
    """The pictures of the first seed that has them."""
    for _, row in rows.sort_values("seed").iterrows():
        pictures = view.experiment.galleries(row["trial"])
        if pictures is not None and set(ROWS) <= set(pictures) and len(pictures["clean"]):
            yield _Level(label, pictures, _note(row))
            return


def _note(row: pd.Series) -> str:
    said = [f"seed {row['seed']:g}"]
    for column, name, unit in (
        ("test/kl", "KL", "nats/example"),
        ("test/denoise", "denoising error", "data units²/example on the test set"),
    ):
        if column in row and row[column] == row[column]:
            said.append(f"{name} {row[column]:.4g} {unit}")
    return ", ".join(said)


def _family(family: Family, scale: str, levels: list[_Level]) -> str:
    middle = len(levels) // 2
    frames = "".join(
        _frame(level, index, middle, len(levels)) for index, level in enumerate(levels)
    )
    sign = symbol(scale)
    dial = (
        ""
        if len(levels) == 1
        else (
            f'<label class="dial"><span>{sign}</span><input type="range" min="0" '
            f'max="{len(levels) - 1}" step="1" value="{middle}" '
            f'aria-label="noise level {sign} of {escape(family.label)}">'
            f"<output>{escape(levels[middle].label)}</output></label>"
        )
    )
    return (
        f'<figure class="gallery"><div class="head"><h3>{escape(family.label)}</h3></div>'
        f"{dial}{frames}</figure>\n"
    )


def _frame(level: _Level, index: int, middle: int, count: int) -> str:
    printed = " key" if index in (0, middle, count - 1) else ""
    hidden = "" if index == middle else " hidden"
    rows = "".join(_row(level.pictures[key][:_IMAGES], name) for key, name in ROWS.items())
    return (
        f'<div class="level{printed}" data-label="{escape(level.label)}"{hidden}>{rows}'
        f'<p class="note">{escape(level.label)}, {escape(level.note)}</p></div>'
    )


def _row(images: np.ndarray, name: str) -> str:
    height, width = images.shape[2:]
    gap = max(1, round(width / 14))
    crop = f"{min(_CROP, len(images)) * (width + gap)}/{height}"
    uri = data_uri(encode(strip(images, gap)))
    return (
        f'<div class="strip"><span>{name}</span><img alt="{name}" src="{uri}" '
        f'style="--crop:{crop}"></div>'
    )
