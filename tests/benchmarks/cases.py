"""The trials of the benchmarks: as a grid of ours, and as plain numbers for the plain scripts."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["CASES", "Case", "script_arguments"]

NINE = tuple(round(0.03 * i, 2) for i in range(1, 10))


@dataclass(frozen=True)
class Case:
    """σ-VAEs of one network and data set, one for each value of σ.

    Parameters
    ----------
    data : ``digits`` or ``mnist``. limit : use only so many training images (0: all).
    channels : of the convolutions, for a network with two ConvNets as encoder (``conv``); else
        the network is a perceptron with one hidden layer of `hidden` units on either side.
    """

    data: str
    sigmas: tuple[float, ...]
    epochs: int
    batch_size: int
    d_z: int
    hidden: int
    channels: tuple[int, ...] = ()
    limit: int = 0

    def grid(self, epochs: int, precision: str = "float32") -> str:
        """The grid of `sweeper run`: JSON, which is YAML, too."""
        data = {"name": self.data} | ({"limit": self.limit} if self.limit else {})
        network: dict[str, Any] = {"network": "conv", "channels": list(self.channels)}
        network |= {"decoder": self.hidden}
        if not self.channels:
            network = {"network": "mlp", "nonlinearity": "silu"}
            network |= {"hidden": [self.hidden], "decoder_hidden": [self.hidden]}
        training = {"epochs": epochs, "batch_size": self.batch_size, "lr": 1e-3, "d_z": self.d_z}
        training |= {"precision": precision} if precision != "float32" else {}
        return json.dumps(
            {
                "experiment": "benchmark",
                "data": data,
                "defaults": network | training,
                "seeds": [1],
                "trials": [{"model": "sigma_vae", "sigma": list(self.sigmas)}],
            }
        )


CASES = {
    "digits": Case("digits", NINE, 10, 32, d_z=100, hidden=2000, channels=(32, 64, 128)),
    "mlp": Case("mnist", NINE[:4], 2, 100, d_z=50, hidden=200),
    "mlp8": Case("mnist", NINE[:8], 10, 100, d_z=50, hidden=200),
    "convnet": Case(
        "mnist", NINE[:2], 1, 16, d_z=100, hidden=2000, channels=(32, 64, 128), limit=1600
    ),
}


def script_arguments() -> argparse.Namespace:
    """What a plain script is called with: ``case``, the absolute ``folder``, ``epochs``."""
    parser = argparse.ArgumentParser()
    parser.add_argument("case", choices=CASES)
    parser.add_argument("folder", type=lambda text: Path(text).resolve())
    parser.add_argument("epochs", type=int)
    return parser.parse_args()
