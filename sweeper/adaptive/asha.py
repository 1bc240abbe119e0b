"""Asynchronous successive halving (ASHA): promotes a point as soon as it is among the best."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sweeper.adaptive.halving import Halving
from sweeper.grid.searches import SEARCHES

__all__ = ["Asha"]


@SEARCHES.register("asha")
@dataclass(frozen=True, kw_only=True)
class Asha(Halving):
    """Early stopping without waiting: a free worker trains a promoted point, or a new one.

    Parameters
    ----------
    metric : the metric to compare (its mean over a point's seeds); one of the test part is taken
        only if it is named. mode : ``min`` or ``max`` (default: the good end of the metric).
    min_epochs : the first rung. reduction : η; one point in η is promoted, to η times as many
        epochs. trials : how many points are drawn, for blocks with spaces.
    seed : seed of the draws.
    """

    waits: ClassVar[bool] = False
    reference: ClassVar[str] = "Li et al. 2020, MLSys, arXiv:1810.05934, algorithm 2"
