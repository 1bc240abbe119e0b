"""The mixed model of a sweep: a line, about which each seed has a random level and slope."""

from __future__ import annotations

import math
import warnings

import numpy as np
from numpy.typing import NDArray
from statsmodels.regression.linear_model import OLS
from statsmodels.regression.mixed_linear_model import MixedLM, MixedLMParams
from statsmodels.tools.sm_exceptions import ConvergenceWarning

from analysis.statistics.batched import between_seeds
from analysis.statistics.estimate import Estimate, unknown
from analysis.statistics.regression import contrast, polynomial

__all__ = ["MIXED", "mixed_slope"]

Array = NDArray[np.float64]
MIXED = "mixed model (normal interval, narrow with few seeds)"
FAILED = "mixed model (did not converge)"
NOISELESS = "mixed model (points without noise)"
MOST_SCATTER = 1e11
SLOPE = np.array([0.0, 1.0])


def mixed_slope(x: Array, table: Array, level: float = 0.95) -> Estimate:
    """The slope on x [m] of table [seeds, m], by REML, with a normal interval.

    statsmodels' own start often ends far from the optimum where REML finds that seeds scatter in
    one direction only or in none (errors of the standard error up to 45 % were seen). So MixedLM
    gets the directions in which they scatter, and their size, from the closed form for sweeps
    without gaps, in units of the noise. Where they do not scatter the model is OLS over rows.
    NaN where the optimizer does not converge, or the points have no noise of their own.
    """
    start = between_seeds(x, table)
    unit, seeds = math.sqrt(start.noise), len(table)
    design = polynomial(np.tile(x - x.mean(), seeds), 1)
    y, rank = table.ravel() / unit, start.loadings.shape[1]
    lines = OLS(y, design).fit(use_t=False)
    if not rank:
        return contrast(lines, SLOPE, MIXED, level).times(unit)
    if float((start.loadings**2).sum()) > MOST_SCATTER:
        return unknown(float(lines.params[1]) * unit, NOISELESS, level)
    groups = np.repeat(np.arange(seeds), len(x))
    model = MixedLM(y, design, groups, exog_re=design @ start.loadings)
    first = MixedLMParams.from_components(fe_params=np.zeros(2), cov_re=np.eye(rank))
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            found = model.fit(reml=True, start_params=first, method="bfgs")
        except ConvergenceWarning:
            return unknown(float(lines.params[1]) * unit, FAILED, level)
    return contrast(found, SLOPE, MIXED, level).times(unit)
