"""Which programs a CPU trains in packs: small ones, by the products of a step."""

from __future__ import annotations

from typing import Any

import pytest

from trainers.small import MOST, cpu_pack_size
from trainers.trial import Trial


def trial(network: dict[str, Any], batch_size: int = 32, **objective: Any) -> Trial:
    """A VAE of digits."""
    return Trial.from_config(
        {
            "objective": {"name": "iwae" if objective else "elbo", **objective},
            "likelihood": {"name": "gaussian", "sigma": 0.3},
            "network": network,
            "data": {"name": "digits"},
            "training": {"epochs": 1, "batch_size": batch_size},
            "seed": 0,
        }
    )


def perceptron(hidden: int) -> dict[str, Any]:
    return {"name": "mlp", "hidden": [hidden], "decoder_hidden": [hidden], "d_z": 8}


@pytest.mark.parametrize(
    ("one", "size"),
    [
        (trial(perceptron(64)), MOST),
        (trial(perceptron(64), 500), 1),
        (trial(perceptron(512)), MOST),
        (trial(perceptron(1000)), 1),
        (trial(perceptron(64), k=50), 1),
        (trial({"name": "conv", "channels": [16, 32, 64], "decoder": 500, "d_z": 20}), 1),
        (trial({"name": "linear", "d_z": 4}, 100), MOST),
    ],
)
def test_small_programs_are_packed(one: Trial, size: int) -> None:
    assert cpu_pack_size(one) == size
