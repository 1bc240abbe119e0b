"""Level a: on the same parameters, the objectives at (σ₁, β₁) and (σ₂, β₂) are proportional."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from analysis.equivalence.twins import twins
from analysis.equivalence.verdict import DIFFERENT, EQUIVALENT, plain
from analysis.errors import AnalysisError, UnusableValues
from analysis.sources.noise import PAPERS, beta_exponents, noise_levels
from analysis.sources.schema import Experiment
from analysis.wording import number, symbol, trial_name

__all__ = ["AlgebraVerdict", "Pieces", "algebra", "algebra_of_twins", "deviating"]

OBJECTIVE = "train/objective"


@dataclass(frozen=True)
class Pieces:
    """An objective at one setting, at several points (examples or parameters), in nats.

    noise: σ or α; objective: values, with or without the normalising constant; gradient: with
    respect to the parameters, flattened, or None.
    """

    noise: float
    beta: float
    objective: ArrayLike
    gradient: ArrayLike | None = None


@dataclass(frozen=True)
class AlgebraVerdict:
    """L₂ = factor·L₁ + constant, with the largest deviation relative to the largest |L₂|.

    angle: 1 − cosine between the gradients (NaN if none were given).
    """

    factor: float
    constant: float
    deviation: float
    angle: float
    tolerance: float
    verdict: str
    x: str = "sigma"
    labels: tuple[str, str] = ("", "")

    def to_json(self) -> dict[str, Any]:
        return plain(asdict(self) | {"level": "algebra", "sentence": self.sentence()})

    def sentence(self) -> str:
        same = "proportional" if self.verdict == EQUIVALENT else "not proportional"
        angle = "" if np.isnan(self.angle) else f", gradients at 1 − cos = {self.angle:.1e}"
        of = (
            f"the objectives of {' and '.join(map(trial_name, self.labels))}"
            if all(self.labels)
            else ("the two objectives")
        )
        return (
            f"On the same parameters {of} are {same} (factor "
            f"{number(self.factor)}, {deviating(self.deviation)}{angle}): "
            f"{self.verdict}."
        )


def deviating(largest: float) -> str:
    """``largest deviation 1.2e-14``, or ``to the last bit`` for none."""
    return f"largest deviation {largest:.1e}" if largest else "to the last bit"


def algebra(
    first: Pieces,
    second: Pieces,
    x: str = "sigma",
    tolerance: float = 1e-12,
    exponent: float | None = None,
) -> AlgebraVerdict:
    """Whether L(σ₂, β₂) = (σ₁/σ₂)² L(σ₁, β₁) + C; for α the factor is α₁/α₂.

    exponent: e of β, which acts like x·β^e, so that the factor is (x₁/x₂)^(1/e); None is that of
    σ or α.

    Errors: AnalysisError unless σ₁²β₁ = σ₂²β₂ (α: α₁β₁ = α₂β₂), or with fewer than two points
    (the constant C alone fits one point exactly).
    """
    if exponent is None and x not in PAPERS:
        raise AnalysisError(f"aliases are known for {' and '.join(PAPERS)}, not for {x}")
    power = 1 / (exponent or PAPERS[x][1])
    ours, theirs = first.noise**power * first.beta, second.noise**power * second.beta
    if not np.isclose(ours, theirs, rtol=1e-9):
        raise AnalysisError(
            f"({symbol(x)} = {first.noise:g}, β = {first.beta:g}) and "
            f"({symbol(x)} = {second.noise:g}, β = {second.beta:g}) are no "
            "aliases of each other"
        )
    left, right = _values(first.objective), _values(second.objective)
    if left.shape != right.shape or len(left) < 2:
        raise AnalysisError("the two objectives must be given at the same two or more points")
    factor = (first.noise / second.noise) ** power
    rest = right - factor * left
    deviation = float(np.abs(rest - rest.mean()).max() / np.abs(right).max())
    angle = _angle(first.gradient, second.gradient)
    same = deviation <= tolerance and not angle > tolerance
    return AlgebraVerdict(
        factor,
        float(rest.mean()),
        deviation,
        angle,
        tolerance,
        EQUIVALENT if same else DIFFERENT,
        x,
    )


def _values(given: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(given, dtype=np.float64).ravel()
    if not np.isfinite(values).all():
        raise UnusableValues("an objective or gradient is not finite")
    return values


def _angle(first: ArrayLike | None, second: ArrayLike | None) -> float:
    if first is None or second is None:
        return float("nan")
    left, right = _values(first), _values(second)
    left, right = left / np.linalg.norm(left), right / np.linalg.norm(right)
    return float(0.5 * np.sum((left - right) ** 2))


def algebra_of_twins(experiment: Experiment, tolerance: float = 1e-5) -> list[AlgebraVerdict]:
    """Level a from trained twins: their recorded objectives, which used the same parameters.

    Twins of one seed have the same parameters at every step as long as level b holds, so their
    recorded training objectives (nats per example, mean over each epoch) must be proportional.
    They are in single precision, so the default tolerance is wider than that of `algebra` in
    float64. Pairs that are not equivalent at level b are left out, because their parameters
    differ, and so are pairs with fewer than two common epochs.
    """
    pairs = [(one.trial, one.twin) for one in twins(experiment) if one.verdict == EQUIVALENT]
    if not pairs:
        return []
    rows, history = experiment.trials.set_index("trial"), experiment.history
    lines = history[
        (history["metric"] == OBJECTIVE)
        & history["trial"].isin({name for pair in pairs for name in pair})
    ]
    values = lines.pivot_table(index="step", columns="trial", values="value", aggfunc="last")
    return [
        one
        for pair in pairs
        if set(pair) <= set(values.columns) & set(rows.index)
        for one in _of_pair(rows.loc[list(pair)], values[list(pair)].dropna(), tolerance)
    ]


def _of_pair(
    rows: pd.DataFrame, values: pd.DataFrame, tolerance: float
) -> Iterator[AlgebraVerdict]:
    levels, exponents = noise_levels(rows), set(beta_exponents(rows))
    if len(levels) != 1 or len(exponents) != 1 or len(values) < 2:
        return
    x, exponent = levels[0], exponents.pop()
    if rows[x].isna().any() or not exponent > 0:
        return
    noise, beta = rows[x].astype(float).tolist(), rows["beta"].astype(float).tolist()
    first, second = (Pieces(noise[i], beta[i], values.iloc[:, i].to_numpy()) for i in (0, 1))
    labels = tuple(rows["label"].fillna("").astype(str)) if "label" in rows else ("", "")
    yield replace(algebra(first, second, x, tolerance, exponent), labels=(labels[0], labels[1]))
