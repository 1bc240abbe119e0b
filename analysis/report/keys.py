"""The few numbers under the title."""

from __future__ import annotations

import math
from collections.abc import Iterator

from analysis.figures.drawing.style import escape
from analysis.figures.drawing.view import View
from analysis.report.equivalences import Equivalences
from analysis.sources.schema import FINISHED
from analysis.wording import symbol

__all__ = ["keys_html"]


def keys_html(view: View, equivalences: Equivalences) -> str:
    """A definition list: an exponent for each axis, equivalence, and how many trials finished."""
    entries = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}<small>{escape(more)}</small></dd></div>"
        for name, value, more in _keys(view, equivalences)
    )
    return f'<dl class="keys">{entries}</dl>' if entries else ""


def _keys(view: View, equivalences: Equivalences) -> Iterator[tuple[str, str, str]]:
    seen: set[str] = set()
    for claim in view.claims:
        if claim.law is None or claim.x in seen:
            continue
        seen.add(claim.x)
        half = (claim.law.ci_high - claim.law.ci_low) / 2
        places = min(max(1 - math.floor(math.log10(half)), 2), 4) if half > 0 else 2
        spread = (
            f"95 %: {claim.law.ci_low:.{places}f} to {claim.law.ci_high:.{places}f}"
            if math.isfinite(half)
            else "no interval"
        )
        yield (
            f"exponent ν in {symbol(claim.x)}, {claim.family.label}",
            f"{claim.law.nu:.{places}f}".replace("-", "−"),
            f"{spread}; {'bends' if claim.law.bends else 'no bend established'}".replace("-", "−"),
        )
    yield from equivalences.keys
    trials = view.experiment.trials
    if len(trials):
        done, failed = ((trials["status"] == status).sum() for status in (FINISHED, "failed"))
        yield (
            "trials finished",
            f"{done} of {len(trials)}",
            f"{failed} failed" if failed else "none failed",
        )
