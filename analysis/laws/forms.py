"""Rival forms of a law, fitted to log y at each x and compared by AICc.

power          log y = a − ν log x
exponential    log y = a − x/x₀
offset power   log y = log(A x^−ν + B)
broken power   two power laws that meet at x_b
log-quadratic  log y = a − ν log x + q (log x)²

Each x counts once, with the geometric mean of y there: repeated rows or seeds at one x are not
new points of the curve. AICc counts the variance as a parameter; it needs more points than
parameters + 1. Residuals never count for less than rounding, so that of two forms that fit
exactly the one with fewer parameters is preferred.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from analysis.statistics.estimate import rounding
from analysis.statistics.regression import fit_linear, information, polynomial

__all__ = ["Form", "rival_forms"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Form:
    """A fitted form; delta_aicc is its AICc less that of the power law: below 0 fits better."""

    name: str
    parameters: Mapping[str, float] = field(default_factory=dict)
    rss: float = math.nan
    aic: float = math.nan
    aicc: float = math.nan
    delta_aic: float = math.nan
    delta_aicc: float = math.nan

    def to_json(self) -> dict[str, object]:
        numbers = {
            name: value if math.isfinite(value) else None
            for name, value in (
                ("rss", self.rss),
                ("aic", self.aic),
                ("aicc", self.aicc),
                ("delta_aic", self.delta_aic),
                ("delta_aicc", self.delta_aicc),
            )
        }
        return {"name": self.name, "parameters": dict(self.parameters), **numbers}


def rival_forms(x: Array, y: Array) -> tuple[Form, ...]:
    """Every form that has enough points, the power law first; x and y are logarithms.

    x ascends, and each value stands once.
    """
    fits = [("power", *_power(x, y)), ("exponential", *_exponential(x, y))]
    if len(x) >= 4:
        fits += [("log-quadratic", *_quadratic(x, y)), ("offset power", *_offset(x, y))]
    if len(x) >= 5:
        fits.append(("broken power", *_broken(x, y)))
    least = len(x) * rounding(y)
    base_aic, base_aicc = information(max(fits[0][2], least), len(x), len(fits[0][1]))
    forms = []
    for name, parameters, rss in fits:
        aic, aicc = information(max(rss, least), len(x), len(parameters))
        forms.append(Form(name, parameters, rss, aic, aicc, aic - base_aic, aicc - base_aicc))
    return tuple(forms)


def _power(x: Array, y: Array) -> tuple[dict[str, float], float]:
    fit = fit_linear(polynomial(x, 1), y)
    return {"a": float(fit.coefficients[0]), "nu": -float(fit.coefficients[1])}, fit.rss


def _exponential(x: Array, y: Array) -> tuple[dict[str, float], float]:
    top = float(x.max())  # x in units of its largest value: 1e20 beside 1 has no rank
    fit = fit_linear(polynomial(np.exp(x - top), 1), y)
    rate = float(fit.coefficients[1]) * math.exp(-top)
    return {"a": float(fit.coefficients[0]), "x0": -1 / rate if rate else math.inf}, fit.rss


def _quadratic(x: Array, y: Array) -> tuple[dict[str, float], float]:
    fit = fit_linear(polynomial(x, 2), y)
    a, b, q = (float(value) for value in fit.coefficients)
    return {"a": a, "nu": -b, "q": q}, fit.rss


def _offset(x: Array, y: Array) -> tuple[dict[str, float], float]:
    """Least squares on log y, from several offsets B = b·min y; B < min y keeps y − B > 0."""
    low, u = float(np.exp(y.min())), x - x.mean()

    def parts(p: Array) -> tuple[Array, Array]:
        power = np.exp(np.clip(p[0] - p[1] * u, -300, 300))
        return power, np.maximum(power + p[2] * low, 1e-12 * low)

    def residuals(p: Array) -> Array:
        out: Array = np.log(parts(p)[1]) - y
        return out

    def slopes(p: Array) -> Array:
        power, curve = parts(p)
        return np.column_stack([power, -u * power, np.full_like(u, low)]) / curve[:, None]

    best = None
    for b in (-3.0, -1.0, -0.3, 0.0, 0.3, 0.9):
        line = fit_linear(polynomial(u, 1), np.log(np.exp(y) - b * low))
        start = np.array([line.coefficients[0], -line.coefficients[1], b])
        found = least_squares(residuals, start, slopes, method="lm")
        if best is None or found.cost < best.cost:
            best = found
    assert best is not None
    a, nu, b = (float(value) for value in best.x)
    return {"a": a + nu * float(x.mean()), "nu": nu, "offset": b * low}, 2 * float(best.cost)


def _broken(x: Array, y: Array) -> tuple[dict[str, float], float]:
    """The break that fits best on a fine grid between the second and the last but one x."""
    breaks = np.linspace(x[1], x[-2], 201)
    ramps = np.maximum(x[None, :] - breaks[:, None], 0.0)
    line = np.linalg.qr(polynomial(x, 1))[0]
    ramps, rest = (v - (v @ line) @ line.T for v in (ramps, y))
    explained = (ramps @ rest) ** 2 / (ramps**2).sum(axis=1)
    at = float(breaks[np.argmax(explained)])
    fit = fit_linear(np.column_stack([polynomial(x, 1), np.maximum(x - at, 0.0)]), y)
    a, b, turn = (float(value) for value in fit.coefficients)
    return {"a": a, "nu_low": -b, "nu_high": -b - turn, "x_break": math.exp(at)}, fit.rss
