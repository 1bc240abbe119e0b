"""Level d: all (σ, β) lie on one quadratic curve in s = log σ + ½ log β (α: log α + log β).

    log KL = a + b s + c s² + δ log β

If β acts through s alone, δ = 0. The curve has a quadratic term, because without it the curvature
of the law would bias δ and a true equivalence would be rejected. δ̂ is a sum over seeds; the seeds
with β = 1 and those with β ≠ 1 are kept disjoint, so δ̂ is a difference of two independent means
of per-seed numbers, and Welch's TOST applies to it for any scatter of the seeds along the curve.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.equivalence.aliases import Kin, deal, families
from analysis.equivalence.tost import Tost, require_margin, tost
from analysis.equivalence.verdict import (
    ALPHA,
    LEAST_SEEDS,
    UNDECIDED,
    UNUSABLE,
    divided,
    floor,
    licensed,
    plain,
    repeated,
    said,
    tested_at,
)
from analysis.errors import AnalysisError
from analysis.sources.noise import PAPERS
from analysis.sources.rows import require_column, usable
from analysis.statistics.multiplicity import Place
from analysis.statistics.regression import fit_linear
from analysis.training.verdicts import Trained
from analysis.wording import number, plural, post_hoc, quantity, symbol

__all__ = ["CollapseVerdict", "collapse"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class CollapseVerdict:
    """δ with the interval of its test (in `test`), and the curve (a, b, c) in powers of s.

    margin: on δ; by default the log-ratio margin divided by the largest |log β|, so that the
    curve is within that ratio at every β of the sweep. dealt: β = 1 and other β were trained with
    the same seeds, so that each side uses some of them. copies: number of seeds whose values equal
    another seed's, which are not counted. reason: why the rows are unusable. exponent: of β in the
    effective noise level. training: how far the rows were trained. p_holm: of its claim, corrected
    over its family; NaN where it stands alone.
    """

    x: str
    y: str
    test: Tost | None
    margin: float
    curve: tuple[float, float, float]
    n: int
    seeds: tuple[tuple[object, ...], tuple[object, ...]]
    verdict: str
    needs: int | None
    where: str = ""
    dealt: bool = False
    copies: int = 0
    reason: str = ""
    exponent: float = PAPERS["sigma"][1]
    training: Trained = field(default_factory=Trained)
    p_holm: float = math.nan
    post_hoc: str = ""

    @property
    def p(self) -> float:
        """Of the claim that it makes; NaN without a test."""
        return math.nan if self.test is None else self.test.claim_p

    @property
    def every_test(self) -> list[Tost]:
        return [] if self.test is None else [self.test]

    def placed(self, place: Place) -> CollapseVerdict:
        """The same as one test of a family, with its interval and verdict at its level."""
        if self.test is None:
            return self
        test = self.test.at(place.level)
        return replace(
            self,
            test=test,
            verdict=licensed(test.verdict, self.training),
            needs=test.needs,
            p_holm=place.p,
        )

    @property
    def verdict_text(self) -> str:
        told = said(self.verdict, self.needs, self.if_equal, self.dealt, self.training)
        return told + floor(self.verdict, min(map(len, self.seeds)))

    @property
    def if_equal(self) -> int | None:
        return None if self.test is None else self.test.if_equal

    @property
    def delta(self) -> float:
        return float("nan") if self.test is None else self.test.difference

    def to_json(self) -> dict[str, Any]:
        return plain(
            asdict(self)
            | {
                "level": "collapse",
                "delta": self.delta,
                "test": self.test
                and self.test.to_json() | {"verdict": licensed(self.test.verdict, self.training)},
                "verdict_text": self.verdict_text,
                "training": self.training.to_json(),
                "sentence": self.sentence(),
            }
        )

    def sentence(self) -> str:
        factor = {0.5: "½ ", 1.0: ""}.get(self.exponent, f"{self.exponent:g} ")
        s = f"log {symbol(self.x)} + {factor}log β"
        one, other = map(len, self.seeds)
        counts = f"{plural(one, 'seed')} with β = 1 and {other} with β ≠ 1"
        of = f" ({self.where})" if self.where else ""
        told = f"Collapse of {quantity(self.y)}{of} onto a bent curve in {s}"
        if self.reason:
            return f"{told}: {self.verdict}: {self.reason}."
        told += f", {counts}{divided(self.dealt)}"
        if self.copies:
            told += f" ({repeated(self.copies)})"
        if self.test is None:
            return f"{told}: too few to test: {self.verdict_text}."
        return (
            f"{told}: δ = {number(self.test.difference, 2)} "
            f"({100 - 200 * self.test.alpha:.3g} %: {number(self.test.low, 2)} to "
            f"{number(self.test.high, 2)}; margin {number(self.margin, 2)}"
            f"{tested_at(self.test.alpha, self.p_holm)}): "
            f"{self.verdict_text}{post_hoc(self.post_hoc)}."
        )


def collapse(
    trials: pd.DataFrame,
    margin: float = 0.10,
    y: str = "test/kl",
    delta_margin: float | None = None,
    alpha: float = ALPHA,
) -> list[CollapseVerdict]:
    """A verdict for every family of rows that has β = 1, other β, and four values of s.

    margin: a log ratio; delta_margin: a margin on δ instead. alpha: level of the test, the same
    as for `across_seeds`, because seeds that were added until pairs were decided are used here
    too. Families with one β only are left out; a family whose values cannot be used is unusable,
    with the reason.
    Errors: UnknownName; AnalysisError for a margin that is not above zero and finite;
    UnusableValues if no family can be used.
    """
    require_margin(margin if delta_margin is None else delta_margin)
    require_column(trials, y)
    found = []
    reasons: list[AnalysisError] = []
    for kin in families(trials):
        if kin.rows[y].notna().any() and _spans(kin):
            limit = _limit(kin, margin) if delta_margin is None else delta_margin
            try:
                usable(kin.rows, y)
                found.append(_licensed(kin, _verdict(kin, y, limit, alpha)))
            except AnalysisError as reason:
                reasons.append(reason)
                found.append(_unusable(kin, y, limit, str(reason)))
    if reasons and len(reasons) == len(found):
        raise reasons[0]
    return found


def _licensed(kin: Kin, found: CollapseVerdict) -> CollapseVerdict:
    """Without convergence the curves are not called equivalent."""
    training = Trained.of_rows(kin.rows)
    return replace(found, training=training, verdict=licensed(found.verdict, training))


def _limit(kin: Kin, margin: float) -> float:
    """The margin on δ that keeps KL within the log ratio `margin` at every β of the rows."""
    return margin / float(np.abs(np.log(kin.rows["beta"])).max())


def _unusable(kin: Kin, y: str, limit: float, reason: str) -> CollapseVerdict:
    nan = float("nan")
    return CollapseVerdict(
        kin.x,
        y,
        None,
        limit,
        (nan, nan, nan),
        0,
        ((), ()),
        UNUSABLE,
        None,
        kin.where,
        reason=reason.rstrip("."),
        exponent=kin.exponent,
    )


def _spans(kin: Kin) -> bool:
    plain_beta = kin.rows["beta"] == 1
    s = np.log(kin.effective).round(9)
    return bool(plain_beta.any() and (~plain_beta).any() and s.nunique() >= 4)


def _verdict(kin: Kin, y: str, margin: float, alpha: float) -> CollapseVerdict:
    x, rows = kin.x, kin.rows
    whole = [_table(x, y, rows[rows["beta"] == 1]), _table(x, y, rows[rows["beta"] != 1])]
    arms = [arm[~arm.duplicated()] for arm in whole]
    seeds = deal(arms[0].index, arms[1].index)
    dealt = bool(set(whole[0].index) & set(whole[1].index))
    copies = len({*whole[0].index, *whole[1].index}) - len({*seeds[0], *seeds[1]})
    arms = [arm.loc[kept] for arm, kept in zip(arms, seeds, strict=True)]
    used = (tuple(seeds[0]), tuple(seeds[1]))
    few, n = min(len(kept) for kept in seeds), sum(arm.size for arm in arms)
    design = _design(kin.exponent, arms)
    if few < 2 or np.linalg.matrix_rank(design) < 4:
        nan, needs = (float("nan"),) * 3, max(LEAST_SEEDS - few, 1)
        open_test = (UNDECIDED, needs, kin.where, dealt, copies)
        return CollapseVerdict(x, y, None, margin, nan, n, used, *open_test, exponent=kin.exponent)
    values = np.concatenate([np.log(arm.to_numpy()).ravel() for arm in arms])
    fitted = fit_linear(design, values)
    scores = [
        np.log(arm.to_numpy()) @ w * len(arm)
        for arm, w in zip(arms, _split(fitted.coefficient_weights[3], arms), strict=True)
    ]
    test = tost(scores[0], -scores[1], margin, alpha)
    curve = tuple(float(v) for v in fitted.coefficients[:3])
    return CollapseVerdict(
        x,
        y,
        test,
        margin,
        (curve[0], curve[1], curve[2]),
        n,
        used,
        test.verdict,
        test.needs,
        kin.where,
        dealt,
        copies,
        exponent=kin.exponent,
    )


def _table(x: str, y: str, rows: pd.DataFrame) -> pd.DataFrame:
    """Values of y by seed (rows) and setting (columns), for seeds that have all settings."""
    return rows.pivot_table(index="seed", columns=[x, "beta"], values=y).dropna()


def _design(exponent: float, arms: list[pd.DataFrame]) -> Array:
    """The design matrix with columns 1, s, s², log β, one row for each value of the arms."""
    cells = np.array(
        [cell for arm in arms for _ in range(len(arm)) for cell in arm.columns], dtype=np.float64
    ).reshape(-1, 2)
    beta = np.log(cells[:, 1])
    s = np.log(cells[:, 0]) + exponent * beta
    return np.column_stack([np.ones_like(s), s, s**2, beta])


def _split(weights: Array, arms: list[pd.DataFrame]) -> list[Array]:
    """The weights of one seed of each arm: all seeds of an arm have the same settings."""
    start, found = 0, []
    for arm in arms:
        found.append(weights[start : start + arm.shape[1]])
        start += arm.size
    return found
