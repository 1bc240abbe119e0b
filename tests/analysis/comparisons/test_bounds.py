"""The bounds of the denoising criterion: exact by enumeration, and from estimates."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.comparisons.bounds import Bound, check_gaps, check_order, check_proposition_2, exact
from analysis.errors import AnalysisError


def model(
    seed: int, bits: int = 3, latents: int = 4, flip: float = 0.2
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A random Bernoulli model with all 2^bits corruptions of x enumerated."""
    rng = np.random.default_rng(seed)
    x = np.array([1, 0, 1, 1, 0][:bits])
    rates, prior = rng.uniform(0.1, 0.9, (latents, bits)), rng.dirichlet(np.ones(latents))
    joint = prior * np.prod(np.where(x, rates, 1 - rates), axis=1)
    corrupted = np.array(list(product([0, 1], repeat=bits)))
    corruption = np.prod(np.where(corrupted == x, 1 - flip, flip), axis=1)
    scores = corrupted @ rng.standard_normal((bits, latents)) * 2
    encoder = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    return joint, encoder, corruption


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000), bits=st.integers(1, 5), flip=st.floats(0.0, 0.5))
def test_true_order_and_both_gaps(seed: int, bits: int, flip: float) -> None:
    found = exact(*model(seed, bits, flip=flip))
    assert found.log_p >= found.cvae - 1e-12
    assert found.cvae >= found.dvae - 1e-12
    assert found.cvae - found.dvae == pytest.approx(found.cvae_gap, abs=1e-12)
    assert found.log_p - found.dvae == pytest.approx(found.posterior_gap, abs=1e-12)


def test_exact_values_pass_the_checks() -> None:
    found = exact(*model(1))
    checks = check_order(Bound(found.log_p), Bound(found.cvae), Bound(found.dvae))
    assert [check.verdict for check in checks] == ["holds", "holds"]
    proposition = check_proposition_2(
        Bound(found.log_p), Bound(found.dvae), Bound(found.posterior_gap)
    )
    assert proposition.verdict == "holds"


def test_no_corruption_makes_the_bounds_equal() -> None:
    found = exact(*model(2, flip=0.0))
    assert found.cvae == pytest.approx(found.dvae, abs=1e-12)
    order = check_order(Bound(found.log_p), Bound(found.cvae), Bound(found.dvae))
    assert order[1].verdict == "is an equality"


def test_dvae_bound_is_linear_in_the_corruption() -> None:
    joint, encoder, one = model(3, flip=0.1)
    other = model(3, flip=0.4)[2]
    middle = exact(joint, encoder, (one + other) / 2).dvae
    ends = [exact(joint, encoder, c).dvae for c in (one, other)]
    assert middle == pytest.approx(np.mean(ends))


@pytest.mark.parametrize(
    ("cvae", "verdict"), [(-95.0, "holds"), (-96.05, "not resolved"), (-97.0, "violated")]
)
def test_estimates_decide_only_what_their_errors_allow(cvae: float, verdict: str) -> None:
    _, second = check_order(Bound(-94.0, 0.05), Bound(cvae, 0.1), Bound(-96.0, 0.1))
    assert second.verdict == verdict
    assert verdict in second.sentence()


def test_bounds_that_differ_by_rounding_are_in_order() -> None:
    """As without corruption, where both are one bound; more samples would resolve nothing."""
    gaps = [Bound(-4e-15, 1.8e-15), Bound(-4e-15, 0.1)]
    found = [one.verdict for one in check_gaps("L_cvae ≥ L_dvae", gaps)]
    assert found == ["is an equality", "not resolved"]


@pytest.mark.parametrize(("sign", "verdict"), [(1, "holds"), (-1, "violated")])
def test_tests_of_several_gaps_are_one_family(sign: int, verdict: str) -> None:
    """At 1.8 standard errors one alone is decided, and none of three; a sure one still is."""
    one, sure = Bound(sign * 1.8, 1.0), Bound(sign * 9.0, 1.0)
    assert [found.verdict for found in check_gaps("a ≥ b", [one])] == [verdict]
    found = check_gaps("a ≥ b", [one, sure, one, Bound(0.0)])
    assert [each.verdict for each in found] == [
        "not resolved",
        verdict,
        "not resolved",
        "is an equality",
    ]


@pytest.mark.parametrize(("gap", "verdict"), [(5.1, "holds"), (7.0, "violated")])
def test_proposition_2_is_rejected_when_it_fails(gap: float, verdict: str) -> None:
    check = check_proposition_2(Bound(-90, 0.1), Bound(-95, 0.1), Bound(gap, 0.1))
    assert check.verdict == verdict


def test_tables_that_are_no_distributions_are_refused() -> None:
    with pytest.raises(AnalysisError, match="sum to one"):
        exact([0.1, 0.2], [[0.5, 0.6]], [1.0])
    with pytest.raises(AnalysisError, match="encoder must be"):
        exact([0.1, 0.2], [[0.5, 0.5]], [0.5, 0.5])
    with pytest.raises(AnalysisError, match="finite"):
        check_order(Bound(float("nan")), Bound(0), Bound(0))
