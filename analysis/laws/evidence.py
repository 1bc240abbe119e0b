"""What was fitted and tested of a law, in numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from analysis.laws.convergence import Convergence
from analysis.laws.forms import Form
from analysis.laws.influence import Influence
from analysis.laws.law import Law
from analysis.laws.shape import CURVATURES, LEAST, Curvature, LocalExponent
from analysis.laws.short_trials import ShortTrials, short_together
from analysis.statistics.estimate import Estimate
from analysis.statistics.regression import FTest
from analysis.training.verdicts import UNTRAINED, Trained

__all__ = ["Evidence", "trained"]


@dataclass(frozen=True)
class Evidence:
    """log y = intercept − ν log x with the evidence for and against it (Saremi 2020, Table 1).

    exponent: ν; its interval is the t interval of per-seed slopes (n_seeds − 1 degrees of
        freedom), or, with one seed, that of OLS: how straight the points are, not what another
        seed would give.
    bend: the coefficient of (log x)²; negative means that y falls faster at larger x.
        curvature_delta_aic is the AIC of the quadratic less that of the line.
    forms: rival forms by AICc of the mean curve. intervals: diagnostics, each named for what it
        misses.
    convergence: ν by epoch; None where no history is known. short: those of its trials that are
        not trained by their own histories; None if there are none.
    p_holm: for ν = 0, corrected over the tests of a report; then the interval of `exponent` is
        one of as many that hold at once, and `exponent.alone` is the law's own.
    bend_holm, lack_holm: p of bend and lack of fit, each corrected over the laws that stand
        together (`analysis.laws.shape_family`); None for a law alone.
    x, y, seed: the rows used, in their own units; no seeds for a published table.
    published: whether it is a table of the papers, which is one curve.
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
    lack: FTest | None = None
    intervals: tuple[Estimate, ...] = ()
    influence: tuple[Influence, ...] = ()
    local: tuple[LocalExponent, ...] = ()
    x: NDArray[np.float64] = field(default_factory=lambda: np.empty(0), repr=False)
    y: NDArray[np.float64] = field(default_factory=lambda: np.empty(0), repr=False)
    seed: tuple[object, ...] = field(default=(), repr=False)
    notes: tuple[str, ...] = ()
    convergence: Convergence | None = None
    short: ShortTrials | None = None
    p_holm: float | None = None
    bend_holm: float | None = None
    lack_holm: float | None = None
    published: bool = False

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
        """For ν = 0, of this test alone."""
        return self.exponent.p

    @property
    def corrected_p(self) -> float:
        """For ν = 0: of its family where the law is one of several tests, else its own."""
        return self.p if self.p_holm is None else self.p_holm

    @property
    def tested(self) -> bool:
        """Whether ν has a test of its own in a family: not of one seed, which is one curve."""
        return math.isfinite(self.p) and not self.one_seed

    @property
    def one_seed(self) -> bool:
        """Whether the runs have one seed: an interval then says nothing of another."""
        return bool(self.seed) and self.n_seeds < 2

    @property
    def curvature(self) -> float:
        return self.bend.value

    @property
    def curvature_p(self) -> float:
        """Corrected over the laws that stand together, if there are several."""
        return self.bend_p if self.bend_holm is None else self.bend_holm

    @property
    def bend_p(self) -> float:
        """Of this test alone; NaN below three seeds.

        A published curve has one, of its points, beside the scatter of seeds that was measured.
        """
        return self.bend.p if self.published or self.shape_tested else math.nan

    @property
    def lack_p(self) -> float:
        """As `curvature_p`; NaN without a test of lack of fit."""
        alone = math.nan if self.lack is None else self.lack.p
        return alone if self.lack_holm is None else self.lack_holm

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
    def untrained(self) -> bool:
        """Whether training is known to be too short for any claim."""
        return self.convergence is not None and self.convergence.verdict == UNTRAINED

    @property
    def claimed(self) -> bool:
        """Whether training allows a claim: not of a law or trials that are not trained."""
        return not (self.untrained or self.short)

    @property
    def shape_tested(self) -> bool:
        """Whether bend, lack of fit, rivals and influence are tested: not below three seeds.

        Of a fit that is no law too: what speaks against it is said however it was trained.
        """
        return self.n_seeds >= LEAST

    @property
    def curvature_scale(self) -> Curvature | None:
        """The scatter of the bend between seeds, of the quantities that it was measured of."""
        return CURVATURES.get(self.law.y)

    @property
    def curvature_sds(self) -> float:
        """The bend in units of the sd between seeds that was measured; NaN without one."""
        scale = self.curvature_scale
        return math.nan if scale is None else abs(self.curvature) / scale.sd

    @property
    def bends(self) -> bool:
        """Whether the straight law is rejected in favour of a bend at the 5 % level.

        By the scatter between seeds. A published curve has none: its bend must be beyond the
        scatter of its points and, as one draw more, beyond that of seeds, where it was measured.
        """
        if not self.published:
            return bool(self.shape_tested and self.curvature_p < 0.05)
        scale = self.curvature_scale
        if scale is None:
            return False
        most = float(stats.t.ppf(0.975, scale.seeds - 1))
        return bool(self.bend.p < 0.05 and self.curvature_sds > most)

    @property
    def rival(self) -> Form | None:
        """The rival form with the lowest AICc, once the straight law is rejected for a bend.

        All rivals are bent, so that one seed-level test stands before the choice among them.
        """
        known = [f for f in self.forms if f.name != "power" and math.isfinite(f.delta_aicc)]
        return min(known, key=lambda f: f.delta_aicc) if self.bends and known else None

    @property
    def lacks(self) -> bool:
        """Whether the mean curve departs from a line in more than a bend, at the 5 % level."""
        return self.shape_tested and self.lack_p < 0.05

    @property
    def moved(self) -> tuple[Influence, ...]:
        """The x without which the exponent is another, at the 5 % level (Holm)."""
        found = self.influence if self.shape_tested else ()
        return tuple(one for one in found if one.p_holm < 0.05)

    def predict(self, x: ArrayLike) -> NDArray[np.float64]:
        """y on the fitted line."""
        values: NDArray[np.float64] = np.exp(
            self.intercept - self.nu * np.log(np.asarray(x, dtype=np.float64))
        )
        return values


def trained(laws: Iterable[Evidence]) -> Trained:
    """How far several laws were trained, by the drift of ν and by their trials' own histories.

    One law or trial that is not trained allows no claim, whatever is known of the others.
    """
    every = list(laws)
    known = [law.convergence for law in every if law.convergence is not None]
    verdicts = [one.verdict for one in known]
    if not known or (len(known) < len(every) and UNTRAINED not in verdicts):
        found = Trained(of=len(every), noun="law")
    else:
        last = [one.last for one in known]
        found = Trained.of_verdicts(verdicts, (min(last), max(last)), "law")
    short = [law.short for law in every if law.short]
    if not short:
        return found
    told = short[0].count if len(every) == 1 else short_together(short)
    return replace(found, verdict=UNTRAINED, short=told)
