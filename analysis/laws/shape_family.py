"""The checks of shape of several laws, corrected over all of them.

Bends, lacks of fit and influence are a family each (Holm), apart from all other tests: the more
laws stand together, the more often one of them looks bent by chance, but a doubt about a law's
shape must not be hidden by tests of something else.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from analysis.laws.powerlaw import PowerLaw
from analysis.statistics.multiplicity import holm

__all__ = ["with_shapes"]


def with_shapes(laws: Sequence[PowerLaw]) -> Iterator[PowerLaw]:
    """The laws in their order, with the p values of their shape corrected if two are tested."""
    if sum(law.shape_tested for law in laws) < 2:
        yield from laws
        return
    bends = _holm([law.bend.p if law.shape_tested else math.nan for law in laws])
    lacks = _holm([law.lack.p if law.shape_tested and law.lack else math.nan for law in laws])
    moves = _holm(
        [one.p if law.shape_tested else math.nan for law in laws for one in law.influence]
    )
    for law in laws:
        moved = tuple(replace(one, p_holm=next(moves)) for one in law.influence)
        yield replace(law, bend_holm=next(bends), lack_holm=next(lacks), influence=moved)


def _holm(p: Sequence[float]) -> Iterator[float]:
    return iter(holm(np.array(p, dtype=np.float64)).tolist())
