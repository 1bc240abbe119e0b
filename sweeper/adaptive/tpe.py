"""TPE search: proposes points from the results of earlier points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from analysis.comparisons.goals import SELECTION, better
from sweeper.grid.searches import SEARCHES
from sweeper.sweep import Goal, Source, Sweep, TrainsAll
from trainers.errors import InvalidValue
from trainers.fields import Component, Count, Natural

__all__ = ["Tpe"]


@SEARCHES.register("tpe")
@dataclass(frozen=True)
class Tpe(TrainsAll, Component):
    """Tree-structured Parzen estimators (Optuna): each point depends on the results before it.

    The value of a point is the mean of its metric over its seeds. With several metrics the
    search is for the Pareto set.

    Parameters
    ----------
    trials : the maximum number of points. metric : the metric to optimise (default:
        validation/elbo_full; one of the test part is taken only if it is named). mode : ``min`` or
        ``max`` (default: the good end of the metric). metrics, modes : a list of each instead.
    startup : number of random points before the estimator is used. seed : seed of the search.
    """

    name: ClassVar[str]
    ahead: ClassVar[bool] = False
    reference: ClassVar[str] = "Bergstra et al. 2011, NeurIPS 24; Ozaki et al. 2022, JAIR 73"
    trials: Count
    metric: str | None = None
    mode: Literal["min", "max"] | None = None
    metrics: tuple[str, ...] = ()
    modes: tuple[Literal["min", "max"], ...] = ()
    startup: Count = 10
    seed: Natural = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        one = bool(self.metric or self.mode)
        if (one and self.metrics) or len(self.metrics) != len(self.modes):
            raise InvalidValue(
                "tpe takes `metric` and `mode`, as in {metric: validation/elbo_full, mode: max}, "
                "or as many `metrics` as `modes`, as in {metrics: [validation/kl, "
                "validation/denoise], modes: [min, min]}"
            )
        if len(set(self.metrics)) < len(self.metrics):
            raise InvalidValue("`metrics` must be different ones")

    @property
    def goals(self) -> tuple[Goal, ...]:
        if self.metrics:
            return tuple(zip(self.metrics, self.modes, strict=True))
        metric = self.metric or SELECTION
        return ((metric, self.mode or better(metric)),)

    def unit(self, stream: int, dims: int, count: int) -> npt.NDArray[np.float64]:
        return np.empty((0, dims))

    def source(self, sweep: Sweep, retry_failed: bool) -> Source:
        from optuna.samplers import TPESampler  # slow to import

        from sweeper.adaptive.study import Study

        return Study(
            sweep, lambda seed: TPESampler(n_startup_trials=self.startup, seed=seed), self.seed
        )

    def rule(self, epochs: int) -> str:
        return f"up to {self.trials} points"
