"""Whether the law of a grid can be fitted to its trials, asked before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence

from sweeper.errors import Address
from sweeper.grid.complaints import nearest
from sweeper.grid.document import Document
from sweeper.grid.reported import PARTS, reported
from sweeper.grid.schema import LawSection
from sweeper.sweep import PlannedTrial

__all__ = ["check_law"]

FACTS = ("role", "status", "epoch", "checksum", "label")  # of a trial, once it has run
USUAL = ("test/kl", "test/recon", "test/denoise")  # not looked up: that takes torch two seconds


def check_law(document: Document, law: LawSection, trials: Sequence[PlannedTrial]) -> None:
    """Refuse a law of, over, or of rows with what no trial has; the defaults need not fit.

    Nor need a metric that most models report: the report says it where these trials do not.
    """
    known = {name for one in trials for name in one.params}
    asked: list[tuple[Address, str]] = [(("analysis", "law", "x"), law.x)]
    asked += [
        (("analysis", "law", "where", name), name) for name in law.where or () if name not in FACTS
    ]
    for place, name in asked:
        if place in document.lines and name not in known:
            raise document.error(
                f"no trial of this grid has {name!r}{nearest(name, known)} "
                f"(known here: {', '.join(sorted(known))})",
                place,
            )
    place = ("analysis", "law", "y")
    if place in document.lines and law.y not in USUAL:
        fitted = [one for one in trials if law.x in one.params]
        _require_metric(document, place, law.y, fitted or trials)


def _require_metric(
    document: Document, place: Address, name: str, trials: Sequence[PlannedTrial]
) -> None:
    """What evaluations find has names that are known when they have found it."""
    known = {metric for _, metrics in reported(trials) for metric in metrics}
    recorded = name.partition("/")[0] in PARTS or not any(one.evaluate for one in trials)
    if recorded and name not in known:
        raise document.error(
            f"no trial of this grid reports {name!r}{nearest(name, known)} "
            f"(they report {', '.join(sorted(known))})",
            place,
        )
