"""The laws of any table of runs on log-log axes, drawn as KL against a noise scale is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.figures.drawing import marks
from analysis.figures.drawing.claims import Claim, short
from analysis.figures.drawing.labels import hover, label
from analysis.figures.kl import LawPanel, fitted, of_lines
from analysis.wording import quantity, setting, symbol

__all__ = ["law_panel"]


def law_panel(claims: Sequence[Claim], seed: str | None) -> LawPanel:
    """Points of each claim's rows, and of each law its line, band and departures.

    claims: of one x and y, at least one of them with a law. seed: the column of the seeds.
    """
    shown = claims[: marks.LIMIT]
    first = shown[0]
    points = [_points(claim, seed, hue) for hue, claim in enumerate(shown)]
    lines = [fitted(claim) for claim in shown if claim.law is not None]
    fits = {claim.family.label: short(claim.law) for claim in shown if claim.law is not None}
    return LawPanel(
        first.x,
        pd.concat([*points, *lines], ignore_index=True),
        fits,
        _caption(claims),
        (label(symbol(first.x)), label(quantity(first.y))),
        quantity(first.y),
    )


def _points(claim: Claim, seed: str | None, hue: int) -> pd.DataFrame:
    rows, name = claim.family.rows, claim.family.label
    seeds = rows[seed] if seed else pd.Series(np.nan, index=rows.index)
    told = [
        hover(name, setting(claim.x, x), f"{quantity(claim.y)} {y:.4g}", str(row))
        for row, x, y in zip(rows.index, rows[claim.x], rows[claim.y], strict=True)
    ]
    frame = pd.DataFrame(
        {
            "series": name,
            "kind": "measured",
            "x": rows[claim.x],
            "y": rows[claim.y],
            "seed": seeds,
            "trial": rows.index,
            "hover": told,
            "hue": hue,
        }
    )
    if claim.law is not None:
        frame["departure"] = 100 * (frame["y"] / claim.law.predict(frame["x"]) - 1)
    return frame


def _caption(claims: Sequence[Claim]) -> str:
    said = []
    if len(claims) > marks.LIMIT:
        said.append(f"The first {marks.LIMIT} of {len(claims)} groups are drawn.")
    return "\n".join([*said, *of_lines(claims[: marks.LIMIT])])
