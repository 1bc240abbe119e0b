"""What one more run, with a seed of its own, is expected to give: prediction intervals.

The interval of ν says where the mean over all seeds is; a new run scatters about it as the seeds
that were trained do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from analysis.laws.evidence import Evidence
from analysis.statistics.estimate import Estimate

__all__ = ["Prediction", "prediction"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Prediction:
    """nu: the exponent of one more run, its se that of one seed about the estimated mean.

    x [m], low, high [m]: between which its y is expected at each x of the law.
    """

    nu: Estimate
    x: Array
    low: Array
    high: Array

    def to_json(self) -> dict[str, object]:
        points = zip(self.x.tolist(), self.low.tolist(), self.high.tolist(), strict=True)
        named = [{"x": x, "low": low, "high": high} for x, low, high in points]
        return {"nu": self.nu.to_json(), "points": named}

    def between(self, at: Array) -> tuple[Array, Array]:
        """The band at the points `at`, straight on logarithms between the x of the law."""
        low, high = (
            np.exp(np.interp(np.log(at), np.log(self.x), np.log(end)))
            for end in (self.low, self.high)
        )
        return low, high


def prediction(law: Evidence) -> Prediction | None:
    """By the t distribution of n − 1 degrees of freedom, with se = sd √(1 + 1/n) over n seeds.

    None with fewer than two seeds. Each x has an interval of its own at the law's level; that a
    whole run lies in the band is less likely. Where seeds were added until the interval of ν was
    narrow, both are wider as that interval is.
    """
    mean, n = law.exponent, law.n_seeds
    if n < 2:
        return None
    wide = pd.DataFrame({"x": law.x, "y": np.log(law.y), "seed": law.seed})
    table = wide.pivot_table(index="seed", columns="x", values="y")
    se = mean.se * math.sqrt(n + 1)
    factor = float(stats.t.ppf(0.5 + mean.level / 2, n - 1))
    values = table.to_numpy(dtype=np.float64)
    nu = Estimate(
        mean.value,
        se,
        mean.value - factor * se,
        mean.value + factor * se,
        mean.df,
        math.nan,
        "prediction of one more run",
        mean.level,
    )
    if mean.looked:
        nu = nu.after_looks()
        factor = (nu.high - nu.value) / se
    half = factor * values.std(axis=0, ddof=1) * math.sqrt(1 + 1 / n)
    middle = values.mean(axis=0)
    x = table.columns.to_numpy(dtype=np.float64)
    return Prediction(nu, x, np.exp(middle - half), np.exp(middle + half))
