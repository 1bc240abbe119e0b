"""Tests of what people hold of ν: a value, a published one, the linear theory's, equal groups.

Example::

    against(law, 1.15, "the given value").sentence()
    equal_exponents(experiment.trials, Law(), over="d_z")
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.errors import TooFewRows, UnusableValues
from analysis.laws import linear_theory
from analysis.laws.law import Law
from analysis.laws.powerlaw import PowerLaw
from analysis.laws.scaling import nu_by_seed, scaling
from analysis.sources.schema import Spectrum
from analysis.statistics.contrast import seed_contrast
from analysis.statistics.estimate import Estimate
from analysis.statistics.multiplicity import holm
from analysis.statistics.regression import leading_coefficients
from analysis.wording import number, percent, probability, symbol

__all__ = ["Against", "EqualExponents", "against", "equal_exponents", "linear_exponent"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Against:
    """The hypothesis ν = value. difference: ν − value, its interval and p; p_holm: of a family."""

    hypothesis: str
    nu: float
    value: float
    difference: Estimate
    p_holm: float | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "hypothesis": self.hypothesis,
            "nu": self.nu,
            "value": self.value,
            "difference": self.difference.to_json(),
            "p_holm": self.p_holm if self.p_holm is None or math.isfinite(self.p_holm) else None,
            "sentence": self.sentence(),
        }

    def sentence(self) -> str:
        d = self.difference
        told = f"{self.hypothesis} ({number(self.nu, 4)} and {number(self.value, 4)})"
        if not math.isfinite(d.se):
            return f"{told} is not tested: an interval of the difference needs two seeds."
        p = d.p if self.p_holm is None else self.p_holm
        verdict = "is rejected" if p < 1 - d.level else "is not rejected, which does not prove it"
        return (
            f"{told} {verdict}: difference {number(d.value)} ({percent(d.level)}; {d.method}: "
            f"{number(d.low)} to {number(d.high)}; {'Holm ' * (self.p_holm is not None)}"
            f"{probability(p)})."
        )


@dataclass(frozen=True)
class EqualExponents:
    """ν in every pair of values of the field `over`, corrected as one family (Holm)."""

    over: str
    pairs: tuple[Against, ...]
    left_out: dict[Any, str]

    def to_json(self) -> dict[str, Any]:
        return {
            "over": self.over,
            "pairs": [pair.to_json() for pair in self.pairs],
            "left_out": {str(value): why for value, why in self.left_out.items()},
        }


def against(
    law: PowerLaw, value: float, name: str, se: float = 0.0, df: float = math.inf
) -> Against:
    """ν = `value`, which has itself a standard error `se` with `df` degrees of freedom.

    The t test takes the degrees of freedom of Welch and Satterthwaite. With one seed the interval
    of ν says how straight the points are: what is tested is this run's curve.
    """
    difference = law.exponent.against(value, se, df)
    return Against(f"ν = {name}", law.exponent.value, value, difference)


def linear_exponent(law: PowerLaw, spectrum: Spectrum, d_z: int | None) -> float:
    """ν of the linear theory's KL at the σ of `law`, by the same least squares.

    Errors: AnalysisError unless x is σ and y a KL; UnusableValues if that KL is 0 at one of them.
    """
    linear_theory.require_gaussian(law.law.x)
    if law.law.y.rpartition("/")[2] != "kl":
        raise UnusableValues(f"the linear theory gives ν of KL, and not of {law.law.y}")
    sigma = np.unique(law.x)
    kl = linear_theory.kl(spectrum.eigenvalues, sigma, d_z)
    if not (kl > 0).all():
        raise UnusableValues(
            "a linear model's posterior collapses within the fitted range of σ, so its KL "
            "follows no power law there (a deep one's may): restrict the range"
        )
    return -float(leading_coefficients(np.log(sigma), np.log(kl)[None, :])[0])


def equal_exponents(
    trials: pd.DataFrame, law: Law, over: str, level: float = 0.95
) -> EqualExponents:
    """ν equal in every pair of values of `over`: paired where seeds are shared, else Welch.

    Errors: UnknownName; TooFewRows unless two values of `over` give a law.
    """
    found = scaling(trials, law, over, level)
    pairs = list(combinations(zip(found.values, found.laws, strict=True), 2))
    tests = [_pair(over, *pair, level=level) for pair in pairs]
    p = holm(np.array([one.difference.p for one in tests]))
    known = int(np.isfinite(p).sum())
    if not known:
        raise TooFewRows(f"ν is compared between values of {symbol(over)} from two seeds on")
    corrected = (
        replace(one, difference=one.difference.simultaneous(known), p_holm=float(mine))
        for one, mine in zip(tests, p, strict=True)
    )
    return EqualExponents(over, tuple(corrected), dict(found.left_out))


def _pair(
    over: str, first: tuple[float, PowerLaw], second: tuple[float, PowerLaw], level: float
) -> Against:
    (one, mine), (other, theirs) = first, second
    both = seed_contrast(pd.Series(nu_by_seed(mine)), pd.Series(nu_by_seed(theirs)))
    name = symbol(over)
    return Against(
        f"ν at {name} = {one:g} equal to ν at {name} = {other:g}",
        mine.nu,
        theirs.nu,
        both.difference(level),
    )
