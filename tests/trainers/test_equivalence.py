"""Theorems 1 and 2, numerically: (σ, β) and σ√β are one model, for the whole of a training."""

from __future__ import annotations

import pytest
import torch

from tests.trainers.models import conv_sigma_vae
from trainers import Pack, Training, Trial
from trainers.datasets.digits import Digits
from trainers.likelihoods.laplace import Laplace
from trainers.networks.conv import Conv
from trainers.noise import Streams
from trainers.objectives.elbo import Elbo


def largest_difference(one: Trial, other: Trial, epochs: int) -> float:
    """Largest difference of two trials' parameters after training both."""
    packs = [Pack([trial]) for trial in (one, other)]
    for pack in packs:
        for _ in range(epochs):
            pack.run_epoch()
    weights = [pack.weights(0) for pack in packs]
    return max(float((weights[0][name] - weights[1][name]).abs().max()) for name in weights[0])


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_trajectories_are_equal_to_the_last_bit_when_beta_is_a_power_of_four(
    precision: str,
) -> None:
    training = Training(epochs=3, precision=precision)  # 132 steps
    one = conv_sigma_vae(0.2, training=training)
    other = conv_sigma_vae(0.1, beta=4.0, training=training)
    assert largest_difference(one, other, 3) == 0.0


def test_an_unscaled_eps_breaks_the_equality() -> None:
    """The check above can fail: with Adam's ε left as it is, the trajectories part."""
    one = conv_sigma_vae(0.2)
    scaled = conv_sigma_vae(0.1, beta=4.0)
    other = Trial(
        objective=scaled.objective,
        likelihood=scaled.likelihood,
        data=scaled.data,
        network=scaled.network,
        seed=scaled.seed,
        training=one.training,
    )
    assert largest_difference(one, other, 1) > 0.0


def test_alpha_and_beta_are_one_knob() -> None:
    def alpha_vae(alpha: float, beta: float) -> Trial:
        return Trial(
            objective=Elbo(beta=beta),
            likelihood=Laplace(alpha=alpha),
            data=Digits(),
            network=Conv(share_encoder=True),
            training=Training(eps=1e-8 * beta),
        )

    assert largest_difference(alpha_vae(0.2, 1.0), alpha_vae(0.1, 2.0), 2) == 0.0


def test_loss_and_gradients_are_proportional_on_the_same_parameters() -> None:
    """L(σ₂) = (σ₁/σ₂)² L(σ₁, β) + C for β = (σ₂/σ₁)²; no power of two here."""
    double = Training(precision="float64")
    trials = (
        conv_sigma_vae(0.3, training=double),
        conv_sigma_vae(0.11, beta=(0.3 / 0.11) ** 2, training=double),
    )
    pack = Pack([trials[0]])
    _, model = pack.bind(0)
    params = {name: value.requires_grad_() for name, value in model.params.items()}
    x = Digits().load().train.x[:32].double() / 16
    objective, bound = trials[0].bind(model.parts, params, {})
    noise = {
        name: Streams(0, 0).draw(draw, torch.float64)
        for name, draw in objective.draws(bound, len(x)).items()
    }
    losses, gradients = [], []
    for trial in trials:
        objective, bound = trial.bind(model.parts, params, {})
        loss, _ = objective.loss(bound, x, noise)
        losses.append(loss)
        gradients.append(
            torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(params.values()))])
        )
    factor = (0.11 / 0.3) ** 2
    torch.testing.assert_close(losses[0], factor * losses[1], rtol=1e-12, atol=0)
    cosine = torch.nn.functional.cosine_similarity(gradients[0], gradients[1], dim=0)
    torch.testing.assert_close(cosine, torch.ones_like(cosine), rtol=1e-12, atol=0)
