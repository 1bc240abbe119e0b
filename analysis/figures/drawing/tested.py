"""All that one report claims with a p value, corrected once, as one family (Holm)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

import pandas as pd

from analysis.comparisons.comparison import Comparison
from analysis.equivalence import Examined
from analysis.errors import AnalysisError
from analysis.figures.drawing.claims import Claim
from analysis.laws.scaling import Scaling, scaling
from analysis.laws.shape_family import with_shapes
from analysis.statistics.multiplicity import Place, places

__all__ = ["Tested", "trends"]


T = TypeVar("T", bound="_Test")


class _Test(Protocol):
    """One claim: its p value alone (NaN without a test), and the claim as one of a family."""

    @property
    def p(self) -> float: ...

    def placed(self: T, place: Place) -> T: ...


@dataclass(frozen=True)
class Tested:
    """The claims of a report.

    claims: laws, each with the test of ν = 0. trends: of ν with d_z. compared: by field, pairs of
    its values. examined: pairs of settings that should be equivalent, and their collapse.
    tests: the size of the family, after `in_one_family`; every: with the post hoc tests too.

    Not in the family: laws of one seed, which describe one curve; laws and margins that were
    chosen after the run, which are post hoc; and checks of a law's shape (bend, lack of fit,
    influence), which are doubts and no claims: each kind is a family of its own over the laws, so
    that other tests cannot hide it. Post hoc laws and trends are corrected for all tests, so that
    their intervals are never narrower than those of declared ones; pairs with a post hoc margin
    are a family of their own, as `examined` has them before.
    """

    claims: tuple[Claim, ...] = ()
    trends: tuple[Scaling, ...] = ()
    compared: Mapping[str, tuple[Comparison, ...]] = field(default_factory=dict)
    examined: Examined = field(default_factory=Examined)
    tests: int = 0
    every: int = 0

    def in_one_family(self) -> Tested:
        """The same with p values and intervals corrected over all of them."""
        groups = self._groups()
        later = [_is_post_hoc(one) for group in groups for one in group]
        p = [one.p for group in groups for one in group]
        equivalence = self.examined.p
        declared = [math.nan if late else own for late, own in zip(later, p, strict=True)]
        declared += [] if self.examined.post_hoc else equivalence
        found, whole = places(declared), places([*p, *equivalence])
        mine = [whole[at] if late else found[at] for at, late in enumerate(later)]
        family = iter(mine + found[len(later) :])
        return replace(
            self,
            claims=_shaped(_placed(self.claims, family)),
            trends=_placed(self.trends, family),
            compared={by: _placed(every, family) for by, every in self.compared.items()},
            examined=self.examined if self.examined.post_hoc else self.examined.placed(family),
            tests=found[0].tests if found else 0,
            every=whole[0].tests if whole else 0,
        )

    def counts(self) -> dict[str, int]:
        """How many tests of each kind the family has."""
        laws, trended, *compared = (
            [one.p == one.p and not _is_post_hoc(one) for one in group] for group in self._groups()
        )
        return {
            "law": sum(laws),
            "trend": sum(trended),
            "comparison": sum(map(sum, compared)),
            "equivalence test": 0 if self.examined.post_hoc else self._pairs,
        }

    @property
    def _pairs(self) -> int:
        return sum(p == p for p in self.examined.p)

    @property
    def post_hoc(self) -> dict[str, int]:
        """How many claims of each kind were chosen after the run."""
        laws, trended = (
            sum(one.p == one.p and one.post_hoc for one in group)
            for group in (self.claims, self.trends)
        )
        pairs = self._pairs * self.examined.post_hoc
        return {"law": laws, "trend": trended, "equivalence test": pairs}

    def _groups(self) -> list[Sequence[_Test]]:
        return [self.claims, self.trends, *self.compared.values()]


def _is_post_hoc(one: _Test) -> bool:
    return isinstance(one, Claim | Scaling) and one.post_hoc


def _placed(group: Sequence[T], family: Iterator[Place]) -> tuple[T, ...]:
    """Each with its place in the family; what has no test in it stays as it is."""
    found = zip(group, family, strict=False)
    return tuple(one.placed(place) if place.p == place.p else one for one, place in found)


def _shaped(claims: tuple[Claim, ...]) -> tuple[Claim, ...]:
    """The claims with the checks of their laws' shape as families of their own."""
    laws = with_shapes([one.law for one in claims if one.law is not None])
    return tuple(one if one.law is None else replace(one, law=next(laws)) for one in claims)


def trends(
    claims: Sequence[Claim], trials: pd.DataFrame, history: pd.DataFrame
) -> Iterator[Scaling]:
    """The trend of ν with d_z, for every set of laws that differ in d_z alone."""
    seen = set()
    for claim in claims:
        if claim.law is None or "d_z" not in claim.family.fields:
            continue
        where = {key: value for key, value in claim.family.fields.items() if key != "d_z"}
        key = (claim.x, str(where))
        if key in seen:
            continue
        seen.add(key)
        try:
            law = replace(claim.law.law, where={**claim.law.law.where, **where})
            yield scaling(trials, law, "d_z", history=history)
        except AnalysisError:
            continue
