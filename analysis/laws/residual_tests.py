"""Tests of shape by the residuals of rows, for simulations that show what is wrong with them.

The points of one seed share its initialisation, so that residuals of rows are no independent
noise: on a straight law these tests find a shape far more often than at their level of 5 %
(`python -m analysis.equivalence.error_rates`). A report tests by the scatter between seeds
(`laws.shape`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from analysis.statistics.regression import polynomial

__all__ = ["residual_errors"]

Array = NDArray[np.float64]


def residual_errors(x: Array, y: Array, alpha: float = 0.05) -> dict[str, float]:
    """The share of sweeps in which each test finds something; y [sweeps, seeds, m] is log y at x.

    bend: F test of the quadratic against the line, on the means over seeds. lack of fit: F test
    of a free mean at each x, each seed with a line of its own; NaN for one seed, which has no
    replicates. rivals: the quadratic or the exponential form has a lower AICc than the line.
    """
    _, k, m = y.shape
    means, u = y.mean(axis=1), x - x.mean()
    line, bent = (_rss(polynomial(u, degree), means) for degree in (1, 2))
    exponential = _rss(polynomial(np.exp(x), 1), means)
    bend = stats.f.sf((line - bent) / (bent / (m - 3)), 1, m - 3) < alpha
    aicc = [
        m * np.log(rss) + _penalty(m, p) for rss, p in ((line, 3), (bent, 4), (exponential, 3))
    ]
    return {
        "bend": float(bend.mean()),
        "lack of fit": _lack(u, y, alpha) if k > 1 else float("nan"),
        "rivals": float((np.minimum(aicc[1], aicc[2]) < aicc[0]).mean()),
    }


def _rss(design: Array, y: Array) -> Array:
    """The residual sum of squares of each row of y [..., m]."""
    q = np.linalg.qr(design)[0]
    rss: Array = ((y - y @ q @ q.T) ** 2).sum(axis=-1)
    return rss


def _penalty(n: int, parameters: int) -> float:
    """What AICc adds for the parameters, the variance among them (Hurvich and Tsai 1989)."""
    return 2 * parameters + 2 * parameters * (parameters + 1) / (n - parameters - 1)


def _lack(u: Array, y: Array, alpha: float) -> float:
    _, k, m = y.shape
    q = np.linalg.qr(polynomial(u, 1))[0]
    rest = y - y @ q @ q.T
    common = rest.mean(axis=1, keepdims=True)
    free, noise = (m - 2), (k - 1) * (m - 2)
    f = k * (common**2).sum(axis=(1, 2)) / free / (((rest - common) ** 2).sum(axis=(1, 2)) / noise)
    return float((stats.f.sf(f, free, noise) < alpha).mean())
