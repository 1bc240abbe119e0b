"""Evaluations against closed forms of linear models."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from tests.trainers.linear_models import log_likelihood, ppca, ppca_trial
from tests.trainers.models import mlp_sigma_vae
from tests.trainers.wiener import covariance, least_loss, true_loss
from trainers import Pack, Training, Trial
from trainers.corruptions.gaussian_noise import GaussianNoise
from trainers.datasets.digits import Digits
from trainers.datasets.linear_gaussian import LinearGaussian
from trainers.errors import Incompatible, InvalidValue
from trainers.evaluations import EVALUATIONS, config, evaluate, key
from trainers.evaluations.active_units import ActiveUnits
from trainers.evaluations.denoising import Denoising
from trainers.evaluations.nll import Nll
from trainers.evaluations.redenoising import Redenoising
from trainers.likelihoods import Likelihood
from trainers.likelihoods.gaussian import Gaussian
from trainers.likelihoods.laplace import Laplace
from trainers.model import Model
from trainers.networks import NETWORKS
from trainers.noise import Streams
from trainers.objectives import Objective
from trainers.objectives.deen import Deen
from trainers.objectives.uvb import Uvb

SIGMA = 0.3
DATA = LinearGaussian(dims=6, top=2.0, decay=0.4, examples=2000)


def deen_trial(data: LinearGaussian | Digits = DATA) -> Trial:
    return Trial(
        objective=Deen(sigma=SIGMA),
        network=NETWORKS["quadratic"](),
        data=data,
        training=Training(precision="float64"),
    )


@pytest.mark.parametrize("k", [50, 1000])
def test_the_nll_of_a_linear_model_is_exact_within_its_stated_error(k: int) -> None:
    trial = ppca_trial(DATA, SIGMA, d_z=3)
    objective, model = ppca(trial, DATA, SIGMA, slack=1.3)
    found = evaluate(Nll(k=k, examples=400), trial, objective, model).metrics
    exact = -log_likelihood(model, DATA.load().test.x[:400], SIGMA)
    assert 0 < found["nll_se"] < 0.01
    assert abs(found["nll"] - float(exact.mean())) < 4 * found["nll_se"]
    assert found["nll_examples_se"] == pytest.approx(float(exact.std()) / 20, rel=0.05)


def test_the_stated_error_of_the_nll_is_what_it_varies_by_from_seed_to_seed() -> None:
    trial = ppca_trial(DATA, SIGMA, d_z=3)
    objective, model = ppca(trial, DATA, SIGMA, slack=1.2)
    runs = [
        evaluate(Nll(k=50, examples=20), replace(trial, seed=seed), objective, model).metrics
        for seed in range(60)
    ]
    spread = float(np.std([run["nll"] for run in runs], ddof=1))
    stated = float(np.mean([run["nll_se"] for run in runs]))
    assert spread == pytest.approx(stated, rel=0.3)


def test_with_the_exact_posterior_one_sample_is_enough() -> None:
    trial = ppca_trial(DATA, SIGMA, d_z=3)
    objective, model = ppca(trial, DATA, SIGMA)
    found = evaluate(Nll(k=20, examples=50), trial, objective, model)
    exact = -log_likelihood(model, DATA.load().test.x[:50], SIGMA)
    assert found.metrics["nll"] == pytest.approx(float(exact.mean()), rel=1e-10)
    assert found.metrics["nll_ess_min"] == pytest.approx(20)
    assert [row["k"] for row in found.table] == [1, 10, 20]


def test_the_nll_of_a_model_of_noisy_data_is_that_of_noisy_data() -> None:
    """E −log N(y | 0, S) of y ~ N(0, C + τ²I) is ½(d log 2π + log |S| + tr S⁻¹(C + τ²I))."""
    tau = 0.8
    trial = ppca_trial(DATA, SIGMA, d_z=6, corruption=GaussianNoise(sigma=tau), corrupts="data")
    objective, model = ppca(trial, DATA, SIGMA)
    found = evaluate(Nll(k=20, examples=0), trial, objective, model).metrics
    spread = np.maximum(DATA.eigenvalues, SIGMA**2)
    seen = DATA.eigenvalues + tau**2
    exact = 0.5 * (6 * math.log(2 * math.pi) + np.log(spread).sum() + (seen / spread).sum())
    assert abs(found["nll"] - exact) < 4 * found["nll_examples_se"]


@pytest.mark.parametrize("estimator", ["", "_mean"])
def test_the_denoising_loss_of_a_linear_model_is_the_closed_form(estimator: str) -> None:
    """With z from q(z|y) the decoder adds the posterior's variance: Σ (λ − σ²)⁺ σ²/λ."""
    trial = ppca_trial(DATA, SIGMA, d_z=6)
    objective, model = ppca(trial, DATA, SIGMA)
    asked = Denoising(gaussian=(0.2, 0.6), laplace=(), salt_and_pepper=(), examples=0)
    found = evaluate(asked, trial, objective, model)
    lost = np.maximum(DATA.eigenvalues - SIGMA**2, 0) * SIGMA**2 / DATA.eigenvalues
    for level in asked.gaussian:
        exact = true_loss(objective, model, DATA, level) + (0 if estimator else lost.sum())
        name = f"denoise/gaussian/{level:g}{estimator}"
        assert abs(found.metrics[name] - exact) < 4 * found.metrics[f"{name}_se"]
    assert len(found.table) == 4
    assert found.table[0]["noise_energy"] == pytest.approx(6 * 0.2**2, rel=0.05)


@pytest.mark.parametrize(
    ("likelihood", "spread"),
    [(Gaussian(sigma=SIGMA), SIGMA), (Laplace(alpha=SIGMA), math.sqrt(2) * SIGMA)],
    ids=["sigma_vae", "alpha_vae"],
)
def test_the_denoise_metric_is_the_loss_at_the_noise_that_is_imagined(
    likelihood: Likelihood, spread: float
) -> None:
    """With one z ~ q(z|y): the posterior mean's loss, and what the posterior's variance adds."""
    trial = ppca_trial(DATA, SIGMA, d_z=6, likelihood=likelihood)
    objective, model = ppca(trial, DATA, SIGMA)
    x, streams = DATA.load().test.x, Streams(0, 0)
    noise = {
        name: streams.draw(draw, x.dtype)
        for name, draw in objective.test_draws(model, len(x)).items()
    }
    found = objective.test(model, x, noise)["denoise"]
    lost = np.maximum(DATA.eigenvalues - SIGMA**2, 0) * SIGMA**2 / DATA.eigenvalues
    exact = true_loss(objective, model, DATA, spread) + lost.sum()
    assert abs(float(found.mean()) - exact) < 4 * float(found.std()) / len(x) ** 0.5


def best_energy() -> tuple[Trial, Objective, Model]:
    """A quadratic energy whose x̂ is the Wiener filter of the training data."""
    trial = deen_trial()
    spread = torch.linalg.inv(
        DATA.load().train.x.T @ DATA.load().train.x / 2000
        + SIGMA**2 * torch.eye(6, dtype=torch.float64)
    )
    objective, model = trial.bind(
        dict(trial.build_modules().items()),
        {"energy.weight": spread, "energy.bias": torch.zeros(6, dtype=torch.float64)},
        {},
    )
    return trial, objective, model


def test_the_denoising_loss_of_the_best_energy_is_the_wiener_filters() -> None:
    trial, objective, model = best_energy()
    asked = Denoising(gaussian=(SIGMA,), laplace=(), salt_and_pepper=(), examples=0)
    found = evaluate(asked, trial, objective, model)
    name = f"denoise/gaussian/{SIGMA:g}"
    assert abs(found.metrics[name] - least_loss(DATA, SIGMA)) < 4 * found.metrics[f"{name}_se"]
    assert set(found.metrics) == {name, f"{name}_se"}
    assert found.pictures == {}


def test_denoising_twice_applies_the_wiener_filter_twice() -> None:
    """x̂ = Wy in each direction: E(x − Wᵏy)² = λ(1 − wᵏ)² + σ²w²ᵏ with w = λ/(λ + σ²)."""
    trial, objective, model = best_energy()
    found = evaluate(Redenoising(times=3, examples=0), trial, objective, model).metrics
    w = DATA.eigenvalues / (DATA.eigenvalues + SIGMA**2)
    for times in (1, 2, 3):
        exact = (DATA.eigenvalues * (1 - w**times) ** 2 + SIGMA**2 * w ** (2 * times)).sum()
        error = found[f"redenoise/{times}_se"]
        assert abs(found[f"redenoise/{times}"] - exact) < 4 * error
    moved = ((DATA.eigenvalues + SIGMA**2) * w**4 * (1 - w) ** 2).sum()
    assert found["redenoise/moved"] == pytest.approx(moved, rel=0.1)


def test_given_images_are_denoised_twice_in_the_place_of_the_first() -> None:
    assert key(Redenoising()) == "redenoising-dbcbf760", "of evaluations that are stored"
    trial, objective, model = best_energy()
    first = evaluate(Redenoising(examples=3), trial, objective, model)
    same = evaluate(Redenoising(images=(0, 1, 2)), trial, objective, model)
    assert same.metrics == first.metrics
    others = evaluate(Redenoising(images=(7, 5)), trial, objective, model)
    assert others.metrics["redenoise/2"] != first.metrics["redenoise/2"]
    with pytest.raises(InvalidValue, match="`images` names 9999, and the last test example is"):
        evaluate(Redenoising(images=(0, 9999)), trial, objective, model)


def test_the_active_units_of_a_collapsed_model_are_the_eigenvalues_above_the_noise() -> None:
    trial = ppca_trial(DATA, SIGMA, d_z=6)
    objective, model = ppca(trial, DATA, SIGMA)
    found = evaluate(ActiveUnits(), trial, objective, model)
    above = DATA.eigenvalues > SIGMA**2
    assert 0 < above.sum() < 6
    assert found.metrics == {"active_units": above.sum(), "active_units_share": above.mean()}
    expected = np.where(above, 1 - SIGMA**2 / DATA.eigenvalues, 0)
    np.testing.assert_allclose([row["variance"] for row in found.table], expected, atol=1e-12)
    np.testing.assert_allclose(
        sum(row["kl"] for row in found.table),
        0.5 * np.log(np.maximum(DATA.eigenvalues / SIGMA**2, 1)).sum(),
        rtol=1e-10,
    )


@pytest.mark.parametrize(
    "parts",
    [
        {"objective": Uvb(sigma=0.8), "likelihood": None},
        {"corruption": GaussianNoise(sigma=0.8), "corrupts": "data"},
    ],
    ids=["uvb", "noisy_vae"],
)
def test_a_model_of_noisy_data_is_asked_which_units_noisy_data_move(parts: dict[str, Any]) -> None:
    """Of y = x + τε the posterior mean Wy has the variances diag W(C + τ²I)Wᵀ."""
    trial = ppca_trial(DATA, SIGMA, d_z=6, **parts)
    objective, model = ppca(trial, DATA, SIGMA)
    found = [row["variance"] for row in evaluate(ActiveUnits(), trial, objective, model).table]
    w = model.params["encoder.mean.weight"]
    seen = covariance(DATA) + 0.8**2 * torch.eye(6, dtype=torch.float64)
    expected = (w @ seen @ w.T).diagonal().sort(descending=True).values
    np.testing.assert_allclose(found, expected, rtol=4 * math.sqrt(2 / 2000), atol=1e-12)


@pytest.mark.parametrize("name", EVALUATIONS)
def test_every_evaluation_says_what_it_is(name: str) -> None:
    assert EVALUATIONS.summary(name)
    assert EVALUATIONS.reference(name)
    evaluator = EVALUATIONS[name]()
    assert EVALUATIONS.build(config(evaluator)) == evaluator
    assert key(evaluator).startswith(f"{name}-")


def test_keys_tell_settings_apart() -> None:
    assert key(Nll(k=50)) != key(Nll(k=51))
    assert key(Nll(k=50)) == key(Nll(k=50, examples=1000))


def test_an_answer_depends_on_the_trial_alone() -> None:
    trial = mlp_sigma_vae(0.2)
    objective, model = Pack([trial]).bind(0)
    asked = Denoising(examples=50)
    first, again = (evaluate(asked, trial, objective, model) for _ in range(2))
    other = evaluate(asked, replace(trial, seed=2), objective, model)
    assert first.metrics == again.metrics
    assert first.metrics["denoise/gaussian/0.5"] != other.metrics["denoise/gaussian/0.5"]
    assert first.pictures["gaussian"].shape == (11, 10, 1, 8, 8)
    assert all(
        np.array_equal(picture, again.pictures[name]) for name, picture in first.pictures.items()
    )


@pytest.mark.parametrize(
    ("name", "trial", "remedy"),
    [
        ("nll", deen_trial(Digits()), "elbo, iwae"),
        ("bounds", mlp_sigma_vae(0.2), "dvae"),
        ("active_units", deen_trial(Digits()), "elbo"),
        ("classification", ppca_trial(DATA, SIGMA, 2), "salt_and_pepper: \\[\\]"),
        ("smoothing", ppca_trial(DATA, SIGMA, 2), "'denoising'"),
        ("samples", ppca_trial(DATA, SIGMA, 2), "no images; draw them from Python"),
    ],
    ids=["nll", "bounds", "active_units", "classification", "smoothing", "samples"],
)
def test_what_means_nothing_is_refused_with_what_would_work(
    name: str, trial: Trial, remedy: str
) -> None:
    with pytest.raises(Incompatible, match=remedy):
        EVALUATIONS[name]().check(trial)


def test_labels_are_asked_for_where_the_noise_would_fit() -> None:
    asked = EVALUATIONS["classification"](salt_and_pepper=())
    with pytest.raises(Incompatible, match="no labels"):
        asked.check(ppca_trial(DATA, SIGMA, 2))


def test_levels_outside_their_bounds_are_refused() -> None:
    with pytest.raises(InvalidValue, match="gaussian must be greater than 0"):
        Denoising(gaussian=(0.0,)).check(mlp_sigma_vae(0.2))
    with pytest.raises(Incompatible, match="no noise level"):
        Denoising(gaussian=(), laplace=(), salt_and_pepper=()).check(mlp_sigma_vae(0.2))
