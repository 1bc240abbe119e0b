"""The law log y = c − ν log x: its exponent with an interval, and the tests that it must pass.

Example::

    law = fit(experiment.trials, Law(x="sigma", y="test/kl", where={"model": "sigma_vae"}))
    print(law.sentence())
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis.laws.convergence import convergence
from analysis.laws.evidence import Evidence
from analysis.laws.forms import rival_forms
from analysis.laws.influence import influence
from analysis.laws.intervals import exponent, other_intervals, r_squared
from analysis.laws.law import Law, Points, filtered, points, table_points
from analysis.laws.prediction import prediction
from analysis.laws.sample import Sample, as_written, sample
from analysis.laws.sentences import law_json, law_sentence, law_sentences
from analysis.laws.shape import bend, lack_of_fit, local_exponents
from analysis.laws.short_trials import short_trials
from analysis.statistics.multiplicity import Place

__all__ = ["Law", "PowerLaw", "fit", "fit_points", "fit_xy"]


class PowerLaw(Evidence):
    """A fitted power law, which can say what its numbers allow one to claim."""

    def placed(self, place: Place) -> PowerLaw:
        """The same as one test of a family."""
        return replace(self, p_holm=place.p, exponent=self.exponent.simultaneous(place.tests))

    def to_json(self) -> dict[str, object]:
        """Plain numbers, texts and lists; what is not available is None."""
        found = prediction(self)
        return law_json(self) | {
            "one_more_run": None if found is None else found.to_json(),
            "short_trials": None if self.short is None else self.short.to_json(),
        }

    def sentence(self) -> str:
        """The law with its interval, and what its tests say, for a reader."""
        return law_sentence(self)

    def sentences(self) -> list[str]:
        return law_sentences(self)


def fit(
    trials: pd.DataFrame, law: Law, level: float = 0.95, history: pd.DataFrame | None = None
) -> PowerLaw:
    """Fit `law` to the rows that it speaks about (see `analysis.laws.law.Law`).

    history: `Experiment.history`, from which the law gets its verdict on convergence.

    Errors: AnalysisError, one sentence: rows that differ in more than x and seed (MixedRows),
    too few (TooFewRows), NaN, zero, negative or collapsed values (UnusableValues), a name that
    no trial has (UnknownName), a metric that means nothing across x (NotComparable).
    """
    data = sample(points(trials, law))
    found = _fit(data, law, level)
    short = short_trials(
        filtered(trials, law),
        law.x,
        lambda rows: exponent(sample(points(rows, law)), level, law.looked),
    )
    found = replace(found, short=short)
    if history is None or history.empty:
        return found
    return replace(found, convergence=convergence(trials, law, history, data, level))


def fit_xy(x: ArrayLike, y: ArrayLike, law: Law | None = None, level: float = 0.95) -> PowerLaw:
    """Fit a published table: values of x and y without seeds; `law` only names the axes.

    Errors: TooFewRows below three values of x; UnusableValues unless all are positive.
    """
    return _fit(sample(table_points(x, y)), law or Law("x", "y"), level)


def fit_points(points: Points, law: Law, level: float = 0.95) -> PowerLaw:
    """Fit the points of any table, with or without seeds; `law` names the axes and the rows.

    All x and y are positive, with at least three different x.
    """
    return _fit(sample(points), law, level)


def _fit(data: Sample, law: Law, level: float) -> PowerLaw:
    slope = exponent(data, level, law.looked)
    forms = rival_forms(data.grid, data.means)
    quadratic = next((f.delta_aic for f in forms if f.name == "log-quadratic"), math.nan)
    return PowerLaw(
        law=law,
        exponent=slope,
        intercept=float(data.means.mean()) + slope.value * data.center,
        r2=r_squared(data),
        n=len(data.x),
        n_seeds=data.n_seeds,
        bend=bend(data, level),
        curvature_delta_aic=quadratic,
        forms=forms,
        lack=lack_of_fit(data),
        intervals=other_intervals(data, level),
        influence=influence(data, slope.se),
        local=local_exponents(data, level),
        x=as_written(np.exp(data.x)),
        y=np.exp(data.y),
        seed=_seed_names(data),
        notes=data.notes,
    )


def _seed_names(data: Sample) -> tuple[object, ...]:
    return tuple(data.seeds[i] for i in data.seed) if data.seeds else ()
