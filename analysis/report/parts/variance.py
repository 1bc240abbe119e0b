"""Where the variance of each law's ν comes from."""

from __future__ import annotations

import math

import pandas as pd

from analysis.figures.drawing.view import View
from analysis.laws.components import HEADLINE, components
from analysis.report.json_text import records
from analysis.report.part import Block, Part

__all__ = ["part"]


def part(view: View) -> Part:
    """A table with the components of every law; none without laws."""
    rows = [
        {"law": claim.name, **one.to_json(), "in_the_interval": one.name == HEADLINE}
        for claim in view.claims
        if claim.law is not None
        for one in components(claim.law, claim.family.rows, view.experiment.examples)
    ]
    if not any(row["sd"] is not None for row in rows):
        return Part(order=21)
    frame = pd.DataFrame(rows)
    frame["sd"] = frame["sd"].astype(float)
    content = [
        {
            "law": law,
            "parts": part.to_dict("records"),
            "all": math.sqrt(float((part["sd"] ** 2).sum())),
        }
        for law, part in frame.groupby("law", sort=False)
    ]
    block = Block(
        "summary",
        "variance.html",
        "Where the variance of ν comes from",
        content,
        "variance",
        frame,
        folded=True,
    )
    return Part(order=21, blocks=[block], numbers={"variance": records(frame)})
