"""Tests of what people hold of ν: a value, a published one, or the linear theory's.

Example::

    against(law, 1.15, "the given value").sentence()
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from analysis.errors import UnusableValues
from analysis.laws import linear_theory
from analysis.laws.evidence import trained
from analysis.laws.powerlaw import PowerLaw
from analysis.sources.schema import Spectrum
from analysis.statistics.estimate import Estimate, unknown
from analysis.statistics.means import PAIRED
from analysis.statistics.multiplicity import Place, places
from analysis.statistics.regression import leading_coefficients
from analysis.training.verdicts import UNTRAINED, Trained
from analysis.wording import number, percent, post_hoc, probability

__all__ = ["Against", "against", "linear_exponent", "together"]


@dataclass(frozen=True)
class Against:
    """The hypothesis ν = value.

    difference: ν − value, its interval and p; p_holm: of a family. training: how far the laws
    were trained; None for a published curve. Of an untrained law nothing is claimed. post_hoc:
    what was chosen after the run, in words. untested: why there is no test, if not for its seeds.
    """

    hypothesis: str
    nu: float
    value: float
    difference: Estimate
    p_holm: float | None = None
    training: Trained | None = field(default_factory=Trained)
    post_hoc: str = ""
    untested: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "hypothesis": self.hypothesis,
            "nu": self.nu,
            "value": self.value,
            "difference": self.difference.to_json(),
            "p_holm": self.p_holm if self.p_holm is None or math.isfinite(self.p_holm) else None,
            "training": self.training.to_json() if self.training else "published",
            "post_hoc": self.post_hoc,
            "sentence": self.sentence(),
        }

    @property
    def p(self) -> float:
        """Of this test alone; NaN without a test."""
        return self.difference.p

    def placed(self, place: Place) -> Against:
        """The same as one test of a family."""
        difference = self.difference.simultaneous(place.tests)
        return replace(self, difference=difference, p_holm=place.p)

    @property
    def remark(self) -> str:
        """What must be said of the training beside the verdict."""
        if self.training is None:
            return "as published, convergence unknown"
        return self.training.remark

    def sentence(self) -> str:
        d = self.difference
        told = f"{self.hypothesis} ({number(self.nu, 4)} and {number(self.value, 4)})"
        if not math.isfinite(d.se):
            remark = f"; {self.remark}" * bool(self.remark)
            still = d.method.startswith(PAIRED)
            why = "no scatter between seeds" if still else "fewer than two seeds"
            why = self.untested or f"difference {number(d.value)}; {why}"
            return f"{told} is not tested: {why}{remark}{post_hoc(self.post_hoc)}."
        p = d.p if self.p_holm is None else self.p_holm
        gap = (
            f"difference {number(d.value)} ({percent(d.level)}; {d.method}: {number(d.low)} to "
            f"{number(d.high)}; {'Holm ' * (self.p_holm is not None)}{probability(p)})"
        )
        if self.training and self.training.verdict == UNTRAINED:
            return f"{told} is not decided: {gap}; {self.remark}{post_hoc(self.post_hoc)}."
        verdict = "is rejected" if p < 1 - d.level else "is not rejected, which does not prove it"
        remark = f"; {self.remark}" * bool(self.remark)
        return f"{told} {verdict}: {gap}{remark}{post_hoc(self.post_hoc)}."


def against(
    law: PowerLaw, value: float, name: str, one_run: bool = False, later: str = ""
) -> Against:
    """ν = `value`, by the t test over seeds. Of one curve, a published one too, there is no test:
    how straight its points are says nothing of another seed.

    one_run: `value` is of one curve itself, which is taken to scatter as the law's seeds do.
    later: that the value was chosen after the run, in words.
    """
    ours = law.exponent
    if law.n_seeds < 2:
        difference = unknown(ours.value - value, "t", ours.level)
    else:
        difference = ours.against_one_run(value) if one_run else ours.against(value)
    training = None if law.published else trained([law])
    return Against(
        f"ν = {name}",
        law.exponent.value,
        value,
        difference,
        training=training,
        post_hoc="; ".join(filter(None, [law.law.post_hoc, later])),
    )


def together(tests: Sequence[Against]) -> list[Against]:
    """The tests as one family: p corrected by Holm's method, intervals that hold at once.

    A test alone stays as it is.
    """
    if len(tests) < 2:
        return list(tests)
    family = places([one.p for one in tests])
    return [one.placed(place) for one, place in zip(tests, family, strict=True)]


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
