"""The bounds of the denoising criterion (Im et al. 2017, arXiv:1511.06406), checked in numbers.

    L_dvae = E_{p(x̃|x)} E_{q(z|x̃)} log p(x, z)/q(z|x̃)          (their Eq. 8)
    L_cvae = E_{q̃(z|x)} log p(x, z)/q̃(z|x),   q̃(z|x) = E_{p(x̃|x)} q(z|x̃)

The true order is log p(x) ≥ L_cvae ≥ L_dvae, because
L_cvae − L_dvae = E_{p(x̃|x)} KL(q(z|x̃) ‖ q̃(z|x)) ≥ 0. The paper's Lemma 1 and Eq. 9 state the
reverse of the second inequality and contradict its own Proposition 2, which is correct:
log p(x) = L_dvae + E_{p(x̃|x)} KL(q(z|x̃) ‖ p(z|x)).
L_dvae is linear in p(x̃|x), so a learnable corruption rate is drawn towards zero.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from analysis.errors import AnalysisError
from analysis.statistics.multiplicity import holm
from analysis.wording import number

__all__ = [
    "EQUAL",
    "HOLDS",
    "OPEN",
    "VIOLATED",
    "Bound",
    "BoundValues",
    "OrderCheck",
    "check_gaps",
    "check_order",
    "check_proposition_2",
    "exact",
]

Array = NDArray[np.float64]
LEVEL = 0.05
HOLDS, VIOLATED, OPEN = "holds", "violated", "not resolved"
EQUAL = "is an equality"  # no more than rounding apart, as without corruption


@dataclass(frozen=True)
class Bound:
    """An estimate in nats with its Monte-Carlo standard error (0 if exact)."""

    value: float
    se: float = 0.0


@dataclass(frozen=True)
class OrderCheck:
    """Whether `upper` ≥ `lower` (or `upper` = `lower`) within the errors of both.

    gap: upper − lower, nats; z: the gap in standard errors. holds: established at 5 %;
    violated: the reverse is established; not resolved: more samples are needed; an equality has
    no test.
    """

    claim: str
    gap: float
    se: float
    z: float
    verdict: str

    def to_json(self) -> dict[str, Any]:
        return {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in asdict(self).items()
        } | {"sentence": self.sentence()}

    def sentence(self) -> str:
        return f"{self.claim} {self.verdict}: gap {number(self.gap)} nats{self._error()}."

    def _error(self) -> str:
        return f" (standard error {number(self.se, 2)})" if self.se else ""


@dataclass(frozen=True)
class BoundValues:
    """The exact values of an enumerable model, nats.

    cvae_gap: E KL(q(z|x̃) ‖ q̃(z|x)) = L_cvae − L_dvae.
    posterior_gap: E KL(q(z|x̃) ‖ p(z|x)) = log p − L_dvae (Proposition 2).
    """

    log_p: float
    cvae: float
    dvae: float
    cvae_gap: float
    posterior_gap: float


def check_order(log_p: Bound, cvae: Bound, dvae: Bound) -> tuple[OrderCheck, OrderCheck]:
    """log p ≥ L_cvae and L_cvae ≥ L_dvae, from estimates with independent errors."""
    return (_ordered("log p ≥ L_cvae", log_p, cvae), _ordered("L_cvae ≥ L_dvae", cvae, dvae))


def check_gaps(claim: str, gaps: Sequence[Bound]) -> list[OrderCheck]:
    """Whether gaps estimated as such (both sides from the same samples) are zero or more.

    One-sided tests of one family a side (Holm); those that are equalities are none.
    """
    found = [_ordered(claim, gap, Bound(0.0)) for gap in gaps]
    z = np.array([math.nan if one.verdict == EQUAL else one.z for one in found])
    above, below = (holm(stats.norm.sf(side * z)) < LEVEL for side in (1, -1))
    verdicts = np.where(above, HOLDS, np.where(below, VIOLATED, OPEN)).tolist()
    return [
        one if one.verdict == EQUAL else replace(one, verdict=verdict)
        for one, verdict in zip(found, verdicts, strict=True)
    ]


def check_proposition_2(log_p: Bound, dvae: Bound, gap: Bound) -> OrderCheck:
    """log p = L_dvae + E KL(q(z|x̃) ‖ p(z|x)): `holds` unless the difference is established."""
    value = log_p.value - dvae.value - gap.value
    se = math.sqrt(log_p.se**2 + dvae.se**2 + gap.se**2)
    z = _z(value, se, abs(log_p.value))
    verdict = VIOLATED if abs(z) > stats.norm.ppf(0.975) else HOLDS
    return OrderCheck("log p = L_dvae + E KL(q(z|x̃) ‖ p(z|x))", value, se, z, verdict)


def _ordered(claim: str, upper: Bound, lower: Bound) -> OrderCheck:
    gap, se = upper.value - lower.value, math.hypot(upper.se, lower.se)
    z = _z(gap, se, abs(upper.value))
    edge = stats.norm.ppf(1 - LEVEL)
    if se <= _rounding(abs(upper.value)) and abs(z) <= edge:
        return OrderCheck(claim, gap, se, z, EQUAL)
    return OrderCheck(claim, gap, se, z, HOLDS if z > edge else VIOLATED if z < -edge else OPEN)


def _z(gap: float, se: float, size: float) -> float:
    """The gap in standard errors; exact values count rounding as their error."""
    if not (math.isfinite(gap) and math.isfinite(se) and se >= 0):
        raise AnalysisError("bounds need finite estimates and errors of zero or more")
    return gap / max(se, _rounding(size))


def _rounding(size: float) -> float:
    """The error that float64 leaves in sums of terms of this size."""
    return 1e-12 * max(1.0, size)


def exact(joint: ArrayLike, encoder: ArrayLike, corruption: ArrayLike) -> BoundValues:
    """All terms for one x by enumeration.

    joint [z]: p(x, z); encoder [x̃, z]: q(z|x̃); corruption [x̃]: p(x̃|x). Each row of the
    encoder, and the corruption, sum to one. Errors: AnalysisError unless they do.
    """
    p, q, c = (np.asarray(a, dtype=np.float64) for a in (joint, encoder, corruption))
    if q.shape != (len(c), len(p)):
        raise AnalysisError(f"encoder must be [x̃, z] = {(len(c), len(p))}, not {q.shape}")
    if not (np.allclose(q.sum(axis=1), 1) and np.isclose(c.sum(), 1) and (p >= 0).all()):
        raise AnalysisError("each q(z|x̃), and p(x̃|x), must sum to one, and p(x, z) be positive")
    mixture, log_p = c @ q, math.log(p.sum())
    dvae = float(c @ (_expect(q, p) - _expect(q, q)))
    cvae = float(_expect(mixture, p) - _expect(mixture, mixture))
    return BoundValues(
        log_p,
        cvae,
        dvae,
        float(c @ (_expect(q, q) - _expect(q, mixture))),
        float(c @ (_expect(q, q) - _expect(q, p / p.sum()))),
    )


def _expect(weights: Array, density: Array) -> Array:
    """Σ_z weights log density, with 0 log 0 = 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(weights > 0, weights * np.log(density), 0.0)
    total: Array = terms.sum(axis=-1)
    return total
