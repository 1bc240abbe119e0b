"""The bounds of the denoising criterion where every corruption can be enumerated."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.trainers.linear_models import bound, log_likelihood
from trainers import Training, Trial
from trainers.corruptions.bernoulli_noise import BernoulliNoise
from trainers.datasets import Split, Splits
from trainers.evaluations import evaluate
from trainers.evaluations.bounds import Bounds
from trainers.evaluations.nll import Nll
from trainers.fields import Component
from trainers.likelihoods.gaussian import Gaussian
from trainers.model import Model
from trainers.networks.linear import Linear
from trainers.objectives.elbo import Elbo

P, SIGMA = 0.2, 0.5
CORNERS = torch.tensor(list(itertools.product((0.0, 1.0), repeat=3)), dtype=torch.float64)
GRID = torch.linspace(-12, 12, 20001, dtype=torch.float64)
STEP = float(GRID[1] - GRID[0])


@dataclass(frozen=True, kw_only=True)
class Corners(Component):
    """All of {0, 1}³: eight examples, each as often as `copies` says."""

    name: ClassVar[str] = "corners"
    value_range: ClassVar[tuple[float, float] | None] = (0.0, 1.0)
    copies: int = 1

    @property
    def shape(self) -> tuple[int, ...]:
        return (3,)

    def load(self) -> Splits:
        return Splits(Split(CORNERS), Split(CORNERS.repeat(self.copies, 1)))

    def checksum(self) -> str:
        return "corners"


TRIAL = Trial(
    objective=Elbo(),
    likelihood=Gaussian(sigma=SIGMA),
    network=Linear(d_z=1),
    data=Corners(),
    training=Training(precision="float64"),
    corruption=BernoulliNoise(p=P),
    corrupts="input",
)
OBJECTIVE, MODEL = bound(
    TRIAL,
    {
        name: torch.tensor(value).double()
        for name, value in {
            "encoder.mean.weight": [[0.9, -0.7, 0.5]],
            "encoder.mean.bias": [-0.3],
            "encoder.log_var": [-1.2],
            "decoder.out.weight": [[0.6], [-0.5], [0.4]],
            "decoder.out.bias": [0.5, 0.4, 0.6],
        }.items()
    },
)


@dataclass(frozen=True)
class Exact:
    """By quadrature over the one latent, and enumeration of the 2³ corruptions of each x."""

    log_p: Tensor
    cvae: Tensor
    dvae: Tensor
    kl_to_posterior: Tensor


def exact(model: Model) -> Exact:
    flips = (CORNERS.unsqueeze(1) - CORNERS).abs().sum(-1)
    views = P**flips * (1 - P) ** (3 - flips)
    mean, log_var = model.encode(CORNERS)
    log_q = -0.5 * ((GRID - mean).square() / log_var.exp() + log_var + math.log(2 * math.pi))
    q = log_q.exp()
    mixture = views @ q
    joint = joint_density(model)
    log_p = (joint.exp().sum(-1) * STEP).log()
    dvae = torch.einsum("xv,vz,xvz->x", views, q, joint.unsqueeze(1) - log_q) * STEP
    cvae = (mixture * (joint - mixture.log())).sum(-1) * STEP
    posterior = joint - log_p.unsqueeze(-1)
    kl = torch.einsum("xv,vz,xvz->x", views, q, log_q - posterior.unsqueeze(1)) * STEP
    return Exact(log_p, cvae, dvae, kl)


def joint_density(model: Model) -> Tensor:
    """log p(x, z) for every corner and every point of the grid."""
    xhat = model.mean(GRID.unsqueeze(-1))
    squares = (CORNERS.unsqueeze(1) - xhat).square().sum(-1)
    normal = -0.5 * (GRID.square() + math.log(2 * math.pi))
    return -0.5 * squares / SIGMA**2 - 1.5 * math.log(2 * math.pi * SIGMA**2) + normal


TRUTH = exact(MODEL)


def test_the_quadrature_gives_the_known_log_likelihood() -> None:
    torch.testing.assert_close(TRUTH.log_p, log_likelihood(MODEL, CORNERS, SIGMA))


def test_the_true_order_is_not_the_one_that_is_printed() -> None:
    """log p ≥ L_cvae ≥ L_dvae for every x, with room between them."""
    assert bool((TRUTH.log_p - TRUTH.cvae > 1e-3).all())
    assert bool((TRUTH.cvae - TRUTH.dvae > 1e-3).all())


def test_proposition_2_holds() -> None:
    """log p(x) = L_dvae + E_{p(x̃|x)} KL(q(z|x̃) ‖ p(z|x))."""
    torch.testing.assert_close(TRUTH.log_p, TRUTH.dvae + TRUTH.kl_to_posterior)


@pytest.fixture(scope="module")
def found() -> dict[str, float]:
    return evaluate(Bounds(m=200, k=50, examples=0), TRIAL, OBJECTIVE, MODEL).metrics


@pytest.mark.parametrize(
    ("name", "truth"),
    [
        ("dvae", TRUTH.dvae),
        ("cvae", TRUTH.cvae),
        ("cvae_upper", TRUTH.cvae),
        ("log_p", TRUTH.log_p),
        ("cvae_minus_dvae", TRUTH.cvae - TRUTH.dvae),
        ("log_p_minus_cvae", TRUTH.log_p - TRUTH.cvae),
    ],
)
def test_the_estimates_are_exact_within_their_stated_errors(
    found: dict[str, float], name: str, truth: Tensor
) -> None:
    assert 0 < found[f"bounds/{name}_se"] < 0.05
    assert abs(found[f"bounds/{name}"] - float(truth.mean())) < 5 * found[f"bounds/{name}_se"]


def test_two_views_estimate_what_two_views_say() -> None:
    """With z of view a, q̃ is ½(q_a + q_b), or q_b alone: over all pairs of views, exactly."""
    crowd = replace(TRIAL, data=Corners(copies=500))
    found = evaluate(Bounds(m=2, k=1, examples=0), crowd, OBJECTIVE, MODEL).metrics
    mean, log_var = MODEL.encode(CORNERS)
    log_q = -0.5 * ((GRID - mean).square() / log_var.exp() + log_var + math.log(2 * math.pi))
    flips = (CORNERS.unsqueeze(1) - CORNERS).abs().sum(-1)
    views = P**flips * (1 - P) ** (3 - flips)
    both = torch.logaddexp(log_q.unsqueeze(1), log_q) - math.log(2)
    entropy = torch.einsum("xa,xb,az,abz->x", views, views, log_q.exp(), both) * STEP
    cross = torch.einsum("xa,xb,az,bz->x", views, views, log_q.exp(), log_q) * STEP
    joint = torch.einsum("xa,az,xz->x", views, log_q.exp(), joint_density(MODEL)) * STEP
    log_p = log_p_of_two(log_q[:, ::100], joint_density(MODEL)[:, ::100], views)
    for name, truth in (
        ("cvae", joint - entropy),
        ("cvae_upper", joint - cross),
        ("log_p", log_p),
    ):
        assert 0 < found[f"bounds/{name}_se"] < 0.05
        assert abs(found[f"bounds/{name}"] - float(truth.mean())) < 5 * found[f"bounds/{name}_se"]


def log_p_of_two(log_q: Tensor, joint: Tensor, views: Tensor) -> Tensor:
    """E log ½ Σ p(x, z)/q̃(z) of z ~ q_a and z' ~ q_b, for each x, on a coarser grid."""
    area, total = (100 * STEP) ** 2, torch.zeros(8, dtype=torch.float64)
    for a, b in itertools.product(range(8), repeat=2):
        weight = joint - (torch.logaddexp(log_q[a], log_q[b]) - math.log(2))
        both = torch.logaddexp(weight.unsqueeze(2), weight.unsqueeze(1)) - math.log(2)
        mean = torch.einsum("z,w,xzw->x", log_q[a].exp(), log_q[b].exp(), both) * area
        total += views[:, a] * views[:, b] * mean
    return total


def test_the_stated_errors_are_what_the_bounds_vary_by_from_seed_to_seed() -> None:
    runs = [
        evaluate(Bounds(m=4, k=2, examples=0), replace(TRIAL, seed=seed), OBJECTIVE, MODEL).metrics
        for seed in range(80)
    ]
    for name in ("dvae", "cvae", "log_p"):
        spread = np.std([run[f"bounds/{name}"] for run in runs], ddof=1)
        stated = np.mean([run[f"bounds/{name}_se"] ** 2 for run in runs]) ** 0.5
        assert spread == pytest.approx(stated, rel=0.3)


@pytest.mark.parametrize("m", [2, 3, 10])
def test_few_views_keep_the_order(m: int) -> None:
    """With few views L_cvae is estimated too low, or too high: on either side of the truth."""
    few = evaluate(Bounds(m=m, k=400, examples=0), TRIAL, OBJECTIVE, MODEL).metrics
    slack = 4 * few["bounds/cvae_se"]
    cvae = float(TRUTH.cvae.mean())
    assert few["bounds/dvae"] < few["bounds/cvae"] < few["bounds/log_p"]
    assert few["bounds/cvae"] < cvae + slack
    assert few["bounds/cvae_upper"] > cvae - slack


def test_the_nll_of_a_corrupted_encoder_is_exact_within_its_stated_error() -> None:
    found = evaluate(Nll(k=2000, examples=0), TRIAL, OBJECTIVE, MODEL).metrics
    assert 0 < found["nll_se"] < 0.05
    assert abs(found["nll"] + float(TRUTH.log_p.mean())) < 5 * found["nll_se"]


def test_one_sample_of_the_nll_is_the_denoising_bound_in_expectation() -> None:
    """The encoder sees x̃, a view of its own for every sample, as it did in training."""
    crowd = replace(TRIAL, data=Corners(copies=4000))
    found = evaluate(Nll(k=1, examples=0), crowd, OBJECTIVE, MODEL).metrics
    clean = float(single(CORNERS).mean())
    error = found["nll_examples_se"]
    assert abs(found["nll"] + float(TRUTH.dvae.mean())) < 4 * error
    assert abs(clean - float(TRUTH.dvae.mean())) > 20 * error, "else the test cannot tell"


def single(x: Tensor) -> Tensor:
    """E_q(z|x) log p(x, z)/q(z|x) with the clean x at the encoder, by quadrature."""
    mean, log_var = MODEL.encode(x)
    log_q = -0.5 * ((GRID - mean).square() / log_var.exp() + log_var + math.log(2 * math.pi))
    return (log_q.exp() * (joint_density(MODEL) - log_q)).sum(-1) * STEP
