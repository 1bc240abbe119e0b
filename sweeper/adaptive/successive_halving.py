"""Synchronous successive halving: all points reach a rung before the best of them go on."""

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
    metric, mode : what the rungs compare (the mean over a point's seeds), and whether ``min`` or
        ``max`` of it is good. min_epochs : the first rung. reduction : η; one in η goes on, to η
        times as many epochs. trials : how many points are drawn, for blocks with spaces.
    seed : of the draws.
    """

    waits: ClassVar[bool] = True
    reference: ClassVar[str] = "Jamieson and Talwalkar 2016, AISTATS, arXiv:1502.07943"
