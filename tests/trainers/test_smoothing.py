"""Certificates of randomized smoothing, where the true robust radius is known."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import beta, binom, norm
from torch import Tensor

from trainers.errors import InvalidValue
from trainers.evaluations.smoothing import Smoothing, certify, lower_bound
from trainers.noise import Streams

ALPHA = 0.05


@pytest.mark.parametrize(("successes", "n"), [(0, 10), (1, 10), (73, 100), (1000, 1000)])
def test_the_bound_is_clopper_and_pearsons(successes: int, n: int) -> None:
    expected = beta.ppf(ALPHA, successes, n - successes + 1) if successes else 0.0
    assert lower_bound(successes, n, ALPHA) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("p", [0.5, 0.6, 0.9, 0.99, 0.999])
def test_the_bound_is_above_the_truth_with_probability_alpha_at_most(p: float) -> None:
    """Exactly, over all outcomes of n = 200 draws."""
    outcomes = np.arange(201)
    too_high = np.array([lower_bound(int(k), 200, ALPHA) > p for k in outcomes])
    assert binom.pmf(outcomes[too_high], 200, p).sum() <= ALPHA


def test_the_certified_radius_of_a_linear_classifier_covers() -> None:
    """Class 1 where w·x > b: the true radius of x is |w·x − b|/‖w‖, whatever the noise.

    A certificate is wrong if its radius is larger, or if it names the class across the border.
    """
    smoothing = Smoothing(sigma=0.7, radii=(0.5,), n0=10, n=200, alpha=ALPHA)
    w, b = torch.tensor([3.0, -4.0], dtype=torch.float64), 0.5
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1500, 2, generator=generator, dtype=torch.float64) * 0.5
    margins = (x @ w - b) / w.norm()
    streams = Streams(0, 0)
    found = [certify(lambda y: (y @ w > b).long(), one, smoothing, streams) for one in x]
    true = [
        margin if one.guess else -margin
        for one, margin in zip(found, margins.tolist(), strict=True)
    ]
    wrong = [
        not one.abstains and one.radius > radius for one, radius in zip(found, true, strict=True)
    ]
    rate = float(np.mean(wrong))
    assert rate <= ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / len(x))
    assert rate > 0, "a bound that is never wrong is not the bound that is claimed"
    assert 0 < sum(one.abstains for one in found) < len(x)


def test_copies_that_all_agree_certify_the_largest_radius() -> None:
    smoothing = Smoothing(sigma=0.7, radii=(1.5,), n=1000, alpha=0.001)
    one = certify(lambda y: torch.full((len(y),), 3), torch.zeros(2), smoothing, Streams(0, 0))
    assert (one.guess, one.abstains) == (3, False)
    assert one.radius == pytest.approx(0.7 * norm.ppf(0.001 ** (1 / 1000)), rel=1e-9)


def test_many_copies_are_drawn_in_parts_and_all_counted() -> None:
    sizes: list[int] = []

    def classify(y: Tensor) -> Tensor:
        sizes.append(len(y))
        return (torch.arange(len(y)) % 100 == 7).long()

    smoothing = Smoothing(radii=(0.5,), n0=100, n=25_000)
    one = certify(classify, torch.zeros(1), smoothing, Streams(0, 0))
    assert sizes == [100, 10_000, 10_000, 5_000]
    assert one.p_lower == lower_bound(24_750, 25_000, smoothing.alpha)


def test_of_two_classes_that_are_as_frequent_the_first_is_guessed() -> None:
    smoothing = Smoothing(radii=(0.5,), n0=100, n=500)
    one = certify(lambda y: 5 - torch.arange(len(y)) % 2, torch.zeros(1), smoothing, Streams(0, 0))
    assert one.guess == 4


def test_a_coin_gets_no_certificate() -> None:
    smoothing = Smoothing(radii=(0.5,), n=500)
    one = certify(lambda y: (y[:, 0] > 0).long(), torch.zeros(1), smoothing, Streams(0, 0))
    assert one.abstains
    assert one.radius == 0


@pytest.mark.parametrize("radii", [(), (0.5, 0.5), (0.5, 1.0, 0.5000000001)])
def test_radii_must_be_there_once_each(radii: tuple[float, ...]) -> None:
    with pytest.raises(InvalidValue, match=r"radii must hold at least one radius, and each once"):
        Smoothing(radii=radii)


def test_a_radius_out_of_reach_is_refused_with_the_copies_that_it_takes() -> None:
    with pytest.raises(InvalidValue, match="at least 427"):
        Smoothing(n=100)
    reach = replace(Smoothing(), n=427)
    assert reach.sigma * norm.ppf(reach.alpha ** (1 / reach.n)) >= 1.5
    assert reach.sigma * norm.ppf(reach.alpha ** (1 / (reach.n - 1))) < 1.5


def test_the_class_is_guessed_from_other_copies_than_it_is_bounded_by() -> None:
    """A guess made of the same copies would be right about them more often than about others."""
    seen = []

    def classify(y: Tensor) -> Tensor:
        seen.append(y)
        return torch.full((len(y),), 5 if len(seen) == 1 else 2)

    one = certify(classify, torch.zeros(3), Smoothing(radii=(0.5,), n0=7, n=50), Streams(0, 0))
    assert [len(copies) for copies in seen] == [7, 50]
    assert not torch.equal(seen[0], seen[1][:7])
    assert (one.guess, one.p_lower, one.radius, one.abstains) == (5, 0, 0, True)


@pytest.mark.parametrize("radius", [7.0, 100.0])
def test_a_radius_of_many_sigmas_is_out_of_reach_of_any_n(radius: float) -> None:
    """Φ(10) is 1 in float64; its logarithm, which says how many copies it takes, is not 0."""
    with pytest.raises(InvalidValue, match=r"must be more than can be drawn to certify .* fewer"):
        Smoothing(radii=(radius,), n=10**9)


def test_more_copies_to_guess_than_to_bound_are_refused() -> None:
    assert Smoothing(n0=1000, n=1000).n0 == 1000
    with pytest.raises(InvalidValue, match=r"n0.* at most the n that bound .*n = 1000;"):
        Smoothing(n0=1001, n=1000)
