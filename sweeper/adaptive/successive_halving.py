"""Synchronous successive halving: all points reach a rung before the best are promoted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sweeper.adaptive.halving import Halving
from sweeper.grid.searches import SEARCHES

__all__ = ["SuccessiveHalving"]


@SEARCHES.register("successive_halving")
@dataclass(frozen=True, kw_only=True)
class SuccessiveHalving(Halving):
    """Early stopping, rung by rung: the result does not depend on the order of training.

    Parameters
    ----------
    metric : the metric to compare (its mean over a point's seeds); one of the test part is taken
        only if it is named. mode : ``min`` or ``max`` (default: the good end of the metric).
    min_epochs : the first rung. reduction : η; one point in η is promoted, to η times as many
        epochs. trials : how many points are drawn, for blocks with spaces.
    seed : seed of the draws.
    """

    waits: ClassVar[bool] = True
    reference: ClassVar[str] = "Jamieson and Talwalkar 2016, AISTATS, arXiv:1502.07943"
