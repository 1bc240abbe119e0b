"""Levels a and b: proportional objectives, and matched-seed twins."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from analysis.equivalence import (
    DIFFERENT,
    EQUIVALENT,
    UNDECIDED,
    Pieces,
    algebra,
    algebra_of_twins,
    twins,
)
from analysis.errors import AnalysisError
from analysis.sources.frames import history_frame
from analysis.sources.schema import Experiment


def objectives(noise: float, beta: float, power: int, constant: float) -> np.ndarray:
    rng = np.random.default_rng(0)
    recon, kl = rng.uniform(1, 30, 50), rng.uniform(1, 30, 50)
    scale = 1 / (2 * noise**2) if power == 2 else 1 / noise
    return -scale * recon - beta * kl - constant


@pytest.mark.parametrize(
    ("x", "first", "second"),
    [
        ("sigma", (0.1, 4.0), (0.2, 1.0)),
        ("sigma", (0.1, 9.0), (0.3, 1.0)),
        ("alpha", (0.1, 3.0), (0.3, 1.0)),
    ],
)
def test_aliases_are_proportional_up_to_a_constant(
    x: str, first: tuple[float, float], second: tuple[float, float]
) -> None:
    power = 2 if x == "sigma" else 1
    found = algebra(
        Pieces(*first, objectives(*first, power, 3.0), gradient=[1.0, 2.0]),
        Pieces(*second, objectives(*second, power, -7.0), gradient=[2.0, 4.0]),
        x,
    )
    assert found.verdict == EQUIVALENT
    assert found.factor == pytest.approx((first[0] / second[0]) ** power)
    assert found.deviation < 1e-12
    assert found.angle == pytest.approx(0, abs=1e-15)
    json.dumps(found.to_json(), allow_nan=False)


def test_a_wrong_objective_is_different() -> None:
    wrong = objectives(0.2, 1.1, 2, 0.0)
    found = algebra(Pieces(0.1, 4.0, objectives(0.1, 4.0, 2, 0.0)), Pieces(0.2, 1.0, wrong))
    assert found.verdict == DIFFERENT
    turned = Pieces(0.2, 1.0, objectives(0.2, 1.0, 2, 0.0), [1.0, 0.0])
    found = algebra(Pieces(0.1, 4.0, objectives(0.1, 4.0, 2, 0.0), [1.0, 1e-3]), turned)
    assert found.verdict == DIFFERENT


def test_what_is_no_alias_is_refused() -> None:
    with pytest.raises(AnalysisError, match="no aliases"):
        algebra(Pieces(0.1, 4.0, [1, 2]), Pieces(0.3, 1.0, [1, 2]))
    with pytest.raises(AnalysisError, match="two or more points"):
        algebra(Pieces(0.1, 4.0, [1]), Pieces(0.2, 1.0, [1]))


def twin_experiment(change: Callable[[int], float]) -> Experiment:
    """A trial and its twin whose log KL differs by change(epoch)."""
    trials = pd.DataFrame(
        {
            "trial": ["a", "b"],
            "label": ["A", "B"],
            "seed": [1, 1],
            "role": ["declared", "twin"],
            "twin_of": [None, "a"],
        }
    )
    records = {
        name: [
            {
                "epoch": e,
                "time_ms": 0,
                "metrics": {
                    "test/kl": 9.0 / e * np.exp(factor * change(e)),
                    "test/recon": 2.0,
                    "test/elbo": -e,
                },
            }
            for e in range(1, 6)
        ]
        for name, factor in (("a", 0.0), ("b", 1.0))
    }
    return Experiment("t", trials, history_frame(records.items(), {"a": 1, "b": 1}))


@pytest.mark.parametrize(
    ("change", "verdict", "exact"),
    [
        (lambda e: 0.0, EQUIVALENT, True),
        (lambda e: 1e-6, EQUIVALENT, False),
        (lambda e: 0.1, DIFFERENT, False),
        (lambda e: 1e-6 * 10**e, UNDECIDED, False),
    ],
)
def test_twins(change: Callable[[int], float], verdict: str, exact: bool) -> None:
    (found,) = twins(twin_experiment(change))
    assert (found.verdict, found.exact) == (verdict, exact)
    assert found.difference == pytest.approx(max(abs(change(e)) for e in range(1, 6)), rel=1e-6)
    assert (found.n, found.steps) == (10, 5)
    assert json.dumps(found.to_json(), allow_nan=False)
    assert "A and its twin B" in found.sentence()


def test_twins_without_a_common_history_are_undecided() -> None:
    whole = twin_experiment(lambda e: 0.0)
    half = whole.history[whole.history["trial"] == "a"]
    (found,) = twins(Experiment("t", whole.trials, half))
    assert (found.verdict, found.n) == (UNDECIDED, 0)
    assert json.dumps(found.to_json(), allow_nan=False)
    assert twins(Experiment("t", whole.trials.assign(twin_of=None), half)) == []


def trained_twins(factor: float, drift: float) -> Experiment:
    """(σ = 0.1, β = 1) and (σ = 0.05, β = 4), whose objectives have the ratio `factor`."""
    whole = twin_experiment(lambda e: drift)
    trials = whole.trials.assign(sigma=[0.1, 0.05], beta=[1.0, 4.0])
    lines = pd.DataFrame(
        [
            {
                "trial": name,
                "seed": 1.0,
                "metric": "train/objective",
                "step": step,
                "time_ms": 0,
                "value": scale * -100.0 / step,
            }
            for name, scale in (("a", 1.0), ("b", factor))
            for step in range(1, 6)
        ]
    )
    return Experiment("t", trials, pd.concat([whole.history, lines], ignore_index=True))


@pytest.mark.parametrize(
    ("factor", "verdict"),
    [(4.0, EQUIVALENT), (4.0 * (1 + 1e-7), EQUIVALENT), (4.01, DIFFERENT), (1.0, DIFFERENT)],
)
def test_twins_show_that_their_objectives_are_proportional(factor: float, verdict: str) -> None:
    (found,) = algebra_of_twins(trained_twins(factor, 0.0))
    assert (found.verdict, found.factor) == (verdict, pytest.approx(4.0))
    assert "the objectives of A and B" in found.sentence()
    assert ("to the last bit" in found.sentence()) == (factor == 4.0)
    assert json.dumps(found.to_json(), allow_nan=False)


def test_twins_that_drifted_apart_have_no_common_parameters() -> None:
    assert algebra_of_twins(trained_twins(4.0, 0.1)) == []
    assert algebra_of_twins(twin_experiment(lambda e: 0.0)) == []
