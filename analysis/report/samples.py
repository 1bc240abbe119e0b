"""Pictures that were drawn from trained models: one gallery a kind, with a dial over trials."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from analysis.figures.drawing.families import Family, families
from analysis.figures.drawing.style import escape
from analysis.figures.drawing.view import View
from analysis.wording import symbol

__all__ = ["samples_html"]

KINDS = {
    "sample-ancestral": "ancestral samples, x̂(z) with z ~ N(0, I)",
    "sample-walk_jump": "walk-jump samples, one chain a row",
    "sample-langevin": "Langevin samples",
    "sample-nebula": "NEBULA chains",
    "denoise": "denoised test images",
}
_LEVELS, _BYTES = 12, 400_000


def samples_html(view: View) -> str:
    """A gallery for each family and kind of picture; empty if nothing was drawn."""
    found = [
        (family, scale)
        for scale in ("sigma", "alpha")
        for family in families(view.finished, scale)
    ]
    known = {trial for family, _ in found for trial in family.rows["trial"]}
    rest = (
        view.finished[~view.finished["trial"].isin(known)]
        if len(view.finished)
        else (view.finished)
    )
    if len(rest):
        found.append((Family("other models", rest, {}), ""))
    return "".join(
        _gallery(view, family, scale, kind) for family, scale in found for kind in KINDS
    )


def _gallery(view: View, family: Family, scale: str, kind: str) -> str:
    levels = list(_levels(view, family.rows, scale, kind))[:_LEVELS]
    if not levels:
        return ""
    frames = "".join(
        f'<div class="level key" data-label="{escape(label)}"{" hidden" * (i > 0)}>'
        f'<img class="drawn" alt="{escape(KINDS[kind])}" src="{_uri(path)}">'
        f'<p class="note">{escape(label)}: {escape(path.stem)}</p></div>'
        for i, (label, path) in enumerate(levels)
    )
    hidden = ' style="display: none"' * (len(levels) == 1)
    dial = (
        f'<label class="dial"{hidden}><span>trial</span><input type="range" min="0" '
        f'max="{len(levels) - 1}" step="1" value="0" aria-label="trial of '
        f'{escape(family.label)}"><output>{escape(levels[0][0])}</output></label>'
    )
    return (
        f'<figure class="gallery"><div class="head"><h3>{escape(family.label)}: '
        f"{escape(KINDS[kind])}</h3></div>{dial}{frames}</figure>\n"
    )


def _levels(view: View, rows: pd.DataFrame, scale: str, kind: str) -> Iterator[tuple[str, Path]]:
    """The newest picture of this kind of each trial, by noise level and seed."""
    order = [name for name in (scale, "seed") if name in rows]
    for _, row in rows.sort_values(order).iterrows():
        pictures = [
            path
            for path in view.experiment.pictures(row["trial"])
            if re.match(rf"{kind}(-|\.)", path.name) and path.stat().st_size <= _BYTES
        ]
        if pictures:
            level = f"{symbol(scale)} = {row[scale]:g}, " if scale else f"{row['label']}, "
            yield f"{level}seed {row['seed']:g}", pictures[-1]


def _uri(path: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode("ascii")
