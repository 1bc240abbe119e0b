"""How many tests the report makes, and that they are corrected as one family."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.figures.drawing.tested import Tested
from analysis.figures.drawing.view import View
from analysis.report.part import Part, Statement
from analysis.wording import listed, plural

__all__ = ["family_part", "part"]

_INTERVALS = {"law": "ν", "trend": "trends", "comparison": "differences"}


def part(view: View) -> Part:
    """The size of the family of tests."""
    return family_part(view.tested)


def family_part(tested: Tested) -> Part:
    """The size of the family, what it holds, and what stands outside; nothing without a test."""
    counts = {name: count for name, count in tested.counts().items() if count}
    numbers = {"family": {"tests": tested.tests, "method": "Holm", "level": 0.05, "of": counts}}
    return Part(order=19, statements=[*map(Statement, _said(tested, counts))], numbers=numbers)


def _said(tested: Tested, counts: dict[str, int]) -> Iterator[str]:
    if tested.tests > 1:
        of = listed(named for kind, named in _INTERVALS.items() if kind in counts)
        at_once = f", and the intervals of {of} hold at once" * bool(of)
        yield (
            f"{tested.tests} tests are one family (Holm): {_listed(counts)}. Each p is corrected "
            f"for all of them{at_once}."
        )
    later = {name: count for name, count in tested.post_hoc.items() if count}
    pairs = later.pop("equivalence test", 0)
    said = [f"{_listed(later)}{_for_all(tested.every)}"] if later else []
    if pairs:
        among = ", corrected among themselves (Holm)" * (pairs > 1)
        said.append(f"{plural(pairs, 'equivalence test')}{among}")
    if said:
        yield f"Post hoc, chosen after the run: {'; '.join(said)}."


def _for_all(tests: int) -> str:
    return f", corrected for all {tests} tests of this report (Holm)" * (tests > 1)


def _listed(counts: dict[str, int]) -> str:
    return listed(plural(count, name) for name, count in counts.items())
