"""Small trials that the tests of trainers share."""

from __future__ import annotations

from dataclasses import replace

from trainers import Training, Trial
from trainers.datasets.digits import Digits
from trainers.likelihoods.gaussian import Gaussian
from trainers.networks.conv import Conv
from trainers.networks.mlp import Mlp
from trainers.objectives.elbo import Elbo

__all__ = ["SMALL", "conv_sigma_vae", "mlp_sigma_vae"]

SMALL = Mlp(d_z=4, hidden=(16,), decoder_hidden=(16,), nonlinearity="silu")


def conv_sigma_vae(
    sigma: float, beta: float = 1.0, *, seed: int = 1, training: Training | None = None
) -> Trial:
    """The shipped grid's model on digits; Adam's ε is scaled by β, as the loss is."""
    training = training or Training()
    return Trial(
        objective=Elbo(beta=beta),
        likelihood=Gaussian(sigma=sigma),
        data=Digits(),
        network=Conv(share_encoder=True),
        seed=seed,
        training=replace(training, eps=training.eps * beta),
    )


def mlp_sigma_vae(sigma: float, *, seed: int = 1, training: Training | None = None) -> Trial:
    """A model that trains an epoch in a few hundredths of a second."""
    return Trial(
        objective=Elbo(),
        likelihood=Gaussian(sigma=sigma),
        data=Digits(),
        network=SMALL,
        seed=seed,
        training=training or Training(epochs=2),
    )
