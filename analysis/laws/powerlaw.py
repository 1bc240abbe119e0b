"""The law log y = c − ν log x: its exponent with an interval, and the tests that it must pass.

Example::

    law = fit(experiment.trials, Law(x="sigma", y="test/kl", where={"model": "sigma_vae"}))
    print(law.sentence())
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from analysis.laws.diagnostics import (
    Influence,
    LackOfFit,
    LocalExponent,
    influence,
    lack_of_fit,
    local_exponents,
    other_intervals,
)
from analysis.laws.forms import Form, rival_forms
from analysis.laws.law import Law, points, table_points
from analysis.laws.regression import Estimate, fit_linear, mean_estimate, polynomial, slopes
from analysis.laws.sample import Sample, as_written, sample
from analysis.laws.sentences import law_json, law_sentence, law_sentences

__all__ = ["Law", "PowerLaw", "fit", "fit_xy"]

BY_SEED = "t interval of per-seed slopes"
BY_ROW = "OLS t interval"


@dataclass(frozen=True)
class PowerLaw:
    """log y = intercept − ν log x with the evidence for and against it (Saremi 2020, Table 1).

    exponent: ν; its interval is the t interval of per-seed slopes (n_seeds − 1 degrees of
        freedom), or, with one seed, that of OLS: how straight the points are, not what another
        seed would give.
    bend: the coefficient of (log x)²; negative means that y falls faster at larger x.
        curvature_delta_aic is the AIC of the quadratic less that of the line.
    forms: rival forms by AICc. intervals: diagnostics, each named for what it misses.
    x, y, seed: the rows used, in their own units.
    """

    law: Law
    exponent: Estimate
    intercept: float
    r2: float
    n: int
    n_seeds: int
    bend: Estimate
    curvature_delta_aic: float
    forms: tuple[Form, ...] = ()
    lack: LackOfFit | None = None
    intervals: tuple[Estimate, ...] = ()
    influence: tuple[Influence, ...] = ()
    local: tuple[LocalExponent, ...] = ()
    x: NDArray[np.float64] = field(default_factory=lambda: np.empty(0), repr=False)
    y: NDArray[np.float64] = field(default_factory=lambda: np.empty(0), repr=False)
    seed: tuple[object, ...] = field(default=(), repr=False)
    notes: tuple[str, ...] = ()

    @property
    def nu(self) -> float:
        return self.exponent.value

    @property
    def se(self) -> float:
        return self.exponent.se

    @property
    def ci_low(self) -> float:
        return self.exponent.low

    @property
    def ci_high(self) -> float:
        return self.exponent.high

    @property
    def p(self) -> float:
        return self.exponent.p

    @property
    def curvature(self) -> float:
        return self.bend.value

    @property
    def curvature_p(self) -> float:
        return self.bend.p

    @property
    def x_min(self) -> float:
        return float(self.x.min())

    @property
    def x_max(self) -> float:
        return float(self.x.max())

    @property
    def exponential_delta_aicc(self) -> float:
        """AICc of y = A exp(−x/x₀) less that of the power law: above 0 the power law is better."""
        return next((f.delta_aicc for f in self.forms if f.name == "exponential"), math.nan)

    @property
    def bends(self) -> bool:
        """Whether the straight law is rejected in favour of a bend at the 5 % level."""
        return bool(self.bend.p < 0.05)

    def predict(self, x: ArrayLike) -> NDArray[np.float64]:
        """y on the fitted line."""
        values: NDArray[np.float64] = np.exp(
            self.intercept - self.nu * np.log(np.asarray(x, dtype=np.float64))
        )
        return values

    def to_json(self) -> dict[str, object]:
        """Plain numbers, texts and lists; what is not available is None."""
        return law_json(self)

    def sentence(self) -> str:
        """The law with its interval, and what its tests say, for a reader."""
        return law_sentence(self)

    def sentences(self) -> list[str]:
        return law_sentences(self)


def fit(trials: pd.DataFrame, law: Law, level: float = 0.95) -> PowerLaw:
    """Fit `law` to the rows that it speaks about (see `analysis.laws.law.Law`).

    Errors: AnalysisError, one sentence: rows that differ in more than x and seed (MixedRows),
    too few (TooFewRows), NaN, zero, negative or collapsed values (UnusableValues), a name that
    no trial has (UnknownName), a metric that means nothing across x (NotComparable).
    """
    return _fit(sample(points(trials, law)), law, level)


def fit_xy(x: ArrayLike, y: ArrayLike, law: Law | None = None, level: float = 0.95) -> PowerLaw:
    """Fit a published table: values of x and y without seeds; `law` only names the axes.

    Errors: TooFewRows below three values of x; UnusableValues unless all are positive.
    """
    return _fit(sample(table_points(x, y)), law or Law("x", "y"), level)


def _fit(data: Sample, law: Law, level: float) -> PowerLaw:
    line = fit_linear(polynomial(data.x - data.center, 1), data.y)
    exponent = _exponent(data, level)
    forms = rival_forms(data.grid, data.means)
    quadratic = next((f.delta_aic for f in forms if f.name == "log-quadratic"), math.nan)
    return PowerLaw(
        law=law,
        exponent=exponent,
        intercept=float(data.means.mean()) + exponent.value * data.center,
        r2=line.r2,
        n=len(data.x),
        n_seeds=data.n_seeds,
        bend=_bend(data, level),
        curvature_delta_aic=quadratic,
        forms=forms,
        lack=lack_of_fit(data),
        intervals=other_intervals(data, level),
        influence=influence(data, exponent.se),
        local=local_exponents(data, level),
        x=as_written(np.exp(data.x)),
        y=np.exp(data.y),
        seed=_seed_names(data),
        notes=data.notes,
    )


def _seed_names(data: Sample) -> tuple[object, ...]:
    return tuple(data.seeds[i] for i in data.seed) if data.seeds else ()


def _exponent(data: Sample, level: float) -> Estimate:
    if data.table is not None and data.n_seeds > 1:
        return mean_estimate(-slopes(data.grid, data.table), BY_SEED, level)
    fit = fit_linear(polynomial(data.x - data.center, 1), data.y)
    return fit.estimate(np.array([0.0, -1.0]), BY_ROW, level)


def _bend(data: Sample, level: float) -> Estimate:
    """The quadratic term: by seed from three seeds up, by OLS on the means below that."""
    if len(data.grid) < 4:
        return Estimate(
            math.nan, math.nan, math.nan, math.nan, 0, math.nan, "needs four values of x", level
        )
    if data.table is not None and data.n_seeds >= 3:
        return mean_estimate(
            slopes(data.grid, data.table, 2), "t interval of per-seed curvatures", level
        )
    x, y = (data.x, data.y) if data.table is None else (data.grid, data.means)
    fit = fit_linear(polynomial(x - data.center, 2), y)
    return fit.estimate(np.array([0.0, 0.0, 1.0]), BY_ROW, level)
