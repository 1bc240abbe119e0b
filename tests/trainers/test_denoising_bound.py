"""The bounds of the denoising criterion, on a model where all of them can be computed exactly."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from tests.trainers.enumerated import IMAGES, Exact, exact_model, relative_entropy
from trainers.noise import Streams
from trainers.objectives.elbo import Elbo
from trainers.objectives.iwae import Iwae

SEEDS = range(4)
COPIES = 10_000


def estimates(exact: Exact, objective: Any, image: int, copies: int = COPIES) -> dict[str, Tensor]:
    """Test metrics of many copies of one image, each with noise of its own."""
    x = IMAGES[image].expand(copies, -1)
    streams = Streams(11, 0)
    noise = {
        name: streams.draw(draw, torch.float64)
        for name, draw in objective.test_draws(exact.model, copies).items()
    }
    metrics: dict[str, Tensor] = objective.test(exact.model, x, noise)
    return metrics


def standard_error(values: Tensor) -> float:
    return float(values.std()) / len(values) ** 0.5


@pytest.mark.parametrize("seed", SEEDS)
def test_densities_integrate_to_one(seed: int) -> None:
    exact = exact_model(seed)
    torch.testing.assert_close(exact.log_evidence.exp().sum(), torch.tensor(1.0).double())
    torch.testing.assert_close(exact.flips.sum(-1), torch.ones(8).double())
    flat = torch.zeros_like(exact.mixture)
    mass = relative_entropy(exact.mixture, flat) - relative_entropy(exact.mixture, flat + 1)
    torch.testing.assert_close(mass, torch.ones(8).double())


@pytest.mark.parametrize("p", [0.02, 0.15, 0.4])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_marginal_bound_lies_between_the_evidence_and_the_denoising_bound(
    seed: int, p: float
) -> None:
    """log p(x) ≥ L_cvae ≥ L_dvae, strictly; Im et al. state the second the other way round."""
    exact = exact_model(seed, p)
    assert (exact.log_evidence > exact.l_cvae).all()
    assert (exact.l_cvae > exact.l_dvae).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_the_gap_of_the_two_bounds_is_the_spread_of_the_mixture(seed: int) -> None:
    """L_cvae − L_dvae = E_{p(x̃|x)} KL(q(z|x̃) ‖ q̃(z|x)), to rounding."""
    exact = exact_model(seed)
    spread = relative_entropy(exact.q[None], exact.mixture.clamp_min(1e-300).log()[:, None])
    torch.testing.assert_close(
        exact.l_cvae - exact.l_dvae, (exact.flips * spread).sum(-1), rtol=1e-10, atol=1e-12
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_proposition_2(seed: int) -> None:
    """log p(x) = L_dvae + E_{p(x̃|x)} KL(q(z|x̃) ‖ p(z|x)), to rounding."""
    exact = exact_model(seed)
    log_posterior = exact.log_joint - exact.log_evidence[:, None]
    gap = relative_entropy(exact.q[None], log_posterior[:, None])
    torch.testing.assert_close(
        exact.l_dvae + (exact.flips * gap).sum(-1), exact.log_evidence, rtol=1e-11, atol=1e-11
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_the_best_corruption_is_a_point(seed: int) -> None:
    """L_dvae is linear in p(x̃|x): no corruption beats the best single x̃."""
    exact = exact_model(seed)
    assert (exact.l_each.max(-1).values >= exact.l_dvae).all()


@pytest.mark.parametrize(("k", "m"), [(1, 1), (3, 1), (1, 4), (2, 3)])
@pytest.mark.parametrize("image", [0, 5])
def test_the_objective_estimates_the_denoising_bound(image: int, k: int, m: int) -> None:
    """Unbiased for every K and M, and so is the clean bound that is reported beside it."""
    exact = exact_model()
    metrics = estimates(exact, Elbo(k=k, m=m), image)
    for name, truth in (
        ("objective", exact.l_dvae[image]),
        ("elbo", exact.l_dvae[image]),
        ("objective_clean", exact.l_each[image, image]),
    ):
        assert abs(float(metrics[name].mean() - truth)) < 4 * standard_error(metrics[name])


@pytest.mark.parametrize("image", [0, 5])
def test_the_clean_bound_of_a_diwae_sees_the_clean_image(image: int) -> None:
    """At K = 1 it is the ELBO; at K = 4 it lies above that, and below log p(x)."""
    exact = exact_model(p=0.3)
    one, four = (estimates(exact, Iwae(k=k, m=2), image)["objective_clean"] for k in (1, 4))
    assert abs(float(one.mean() - exact.l_each[image, image])) < 4 * standard_error(one)
    assert abs(float(exact.l_each[image, image] - exact.l_dvae[image])) > 8 * standard_error(one)
    assert float(one.mean()) < float(four.mean())
    assert float(four.mean()) < float(exact.log_evidence[image]) + 4 * standard_error(four)


@pytest.mark.parametrize(("k", "m"), [(1, 1), (1, 4), (2, 3)])
def test_samples_that_are_averaged_lower_the_variance(k: int, m: int) -> None:
    exact = exact_model()
    one, many = (estimates(exact, Elbo(k=a, m=b), 5)["objective"] for a, b in ((1, 1), (k, m)))
    assert float(many.var()) <= float(one.var()) / m * 1.1


@pytest.mark.parametrize("image", [0, 5])
def test_the_importance_weighted_denoising_bound_grows_towards_the_evidence(image: int) -> None:
    """L_dvae at K = M = 1, then larger with K and with M, never above log p(x)."""
    exact = exact_model(p=0.3)
    bounds = {
        km: estimates(exact, Iwae(k=km[0], m=km[1]), image)["objective"]
        for km in ((1, 1), (4, 1), (1, 4), (4, 4))
    }
    means = {km: float(values.mean()) for km, values in bounds.items()}
    errors = {km: standard_error(values) for km, values in bounds.items()}
    evidence = float(exact.log_evidence[image])
    assert abs(means[1, 1] - float(exact.l_dvae[image])) < 4 * errors[1, 1]
    for lower, upper in (((1, 1), (4, 1)), ((1, 1), (1, 4)), ((4, 1), (4, 4)), ((1, 4), (4, 4))):
        assert means[lower] < means[upper]
    assert all(means[km] < evidence + 4 * errors[km] for km in means)


@pytest.mark.parametrize(("k", "m"), [(400, 1), (1, 400), (20, 20)])
def test_many_weights_give_the_evidence_where_the_views_are_many_enough(k: int, m: int) -> None:
    """(1/MK) ΣΣ w is unbiased for p(x), whatever K and M."""
    exact = exact_model(p=0.3)
    weights = estimates(exact, Iwae(k=k, m=m), 5, copies=400)["objective"].exp()
    truth = float(exact.log_evidence[5].exp())
    assert abs(float(weights.mean()) - truth) < 4 * standard_error(weights)
    assert standard_error(weights) < 0.02 * truth
