"""The setting that decides the goal gets the largest share."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest

from sweeper.adaptive.importance import importances

POINTS = [
    {
        "model": "sigma_vae",
        "lr": float(rate),
        "sigma": float(sigma),
        "network": network,
        "channels": [16, 32],
    }
    for rate, sigma in np.random.default_rng(0).uniform(1e-4, 1.0, (30, 2))
    for network in ("conv", "mlp")
]


@pytest.mark.parametrize(("mode", "sign"), [("min", 1), ("max", -1)])
def test_the_setting_that_decides_comes_first(mode: Literal["min", "max"], sign: int) -> None:
    values = [sign * (np.log(point["lr"]) ** 2 + 0.01 * point["sigma"]) for point in POINTS]
    found = importances(POINTS, values, mode)
    assert next(iter(found)) == "lr"
    assert found.keys() == {"lr", "sigma", "network"}, "what never differs is no setting"
    assert found["lr"] > 0.7
    assert sum(found.values()) == pytest.approx(1)


def test_a_choice_can_matter_most() -> None:
    found = importances(POINTS, [float(point["network"] == "conv") for point in POINTS], "max")
    assert next(iter(found)) == "network"


def test_few_points_and_equal_points_say_nothing() -> None:
    assert importances(POINTS[:9], [1.0] * 9, "min") == {}
    assert importances([{"lr": 0.1}] * 12, [1.0] * 12, "min") == {}
