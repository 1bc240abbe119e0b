"""Pictures that were drawn from trained models: one gallery a kind, with a dial over trials."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pandas as pd

from analysis.figures.drawing.families import Family, all_families
from analysis.figures.drawing.view import View
from analysis.report.part import Block, Part
from analysis.report.parts.gallery import unnamed
from analysis.wording import symbol

__all__ = ["Picture", "part"]

KINDS = {
    "sample-ancestral": "ancestral samples, x̂(z) with z ~ N(0, I)",
    "sample-walk_jump": "walk-jump samples, one chain a row",
    "sample-langevin": "Langevin samples",
    "sample-nebula": "NEBULA chains",
    "denoise": "denoised test images",
}
_LEVELS, _BYTES = 12, 400_000


@dataclass(frozen=True)
class Picture:
    """A stored picture: `label` is the trial's noise level and seed, `name` the file's."""

    label: str
    name: str
    png: bytes


def part(view: View) -> Part:
    """A gallery for each family and kind of picture; none if nothing was drawn."""
    found = [(family, scale) for scale, family in all_families(view.finished) if scale]
    known = {trial for family, _ in found for trial in family.rows["trial"]}
    trials = view.finished
    rest = trials[~trials["trial"].isin(known)] if len(trials) else trials
    if len(rest):
        found.append((Family("other models", rest, {}), ""))
    blocks = [
        Block("images", "samples.html", f"{family.label}: {name}", content, order=110)
        for family, scale in found
        for kind, name in KINDS.items()
        if (content := _content(view, family, scale, kind))["pictures"]
    ]
    return Part(order=110, blocks=blocks)


def _content(view: View, family: Family, scale: str, kind: str) -> dict[str, Any]:
    also = unnamed(view, family)
    pictures = list(islice(_pictures(view, family.rows, (scale, also), kind), _LEVELS))
    return {"family": family.label, "kind": KINDS[kind], "pictures": pictures}


def _pictures(
    view: View, rows: pd.DataFrame, told: tuple[str, str], kind: str
) -> Iterator[Picture]:
    """The newest picture of this kind of each trial, by noise level and seed."""
    scale, also = told
    order = [name for name in (scale, "seed") if name in rows]
    for _, row in rows.sort_values(order).iterrows():
        pictures = [
            path
            for path in view.experiment.pictures(row["trial"])
            if re.match(rf"{kind}(-|\.)", path.name) and path.stat().st_size <= _BYTES
        ]
        if pictures:
            level = f"{symbol(scale)} = {row[scale]:g}, " if scale else f"{row['label']}, "
            newest = pictures[-1]
            yield Picture(f"{level}{also}seed {row['seed']:g}", newest.stem, newest.read_bytes())
