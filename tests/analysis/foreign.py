"""Tables of runs that another program could have logged, with planted truths."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

SCALES = (16, 32, 64, 128, 256)


def scaling_runs(seeds: int = 5, depths: tuple[int, ...] = (2, 4)) -> pd.DataFrame:
    """loss = 3 width^−ν with ν = 0.5 at depth 2 and 0.8 at depth 4, and noise a seed."""
    rng = np.random.default_rng(7)
    rows = []
    for depth in depths:
        nu = {2: 0.5, 4: 0.8}[depth]
        for seed in range(seeds):
            level = 0.02 * rng.standard_normal()
            for width in SCALES:
                noise = level + 0.01 * rng.standard_normal()
                loss = 3 * width**-nu * np.exp(noise)
                rows.append({"width": width, "depth": depth, "seed": seed, "val/loss": loss})
    return pd.DataFrame(rows)


def two_optimizers(seeds: int = 10) -> pd.DataFrame:
    """Optimizer b equals a, and c is worse by 0.5 in the logarithm; each has seeds of its own."""
    rng = np.random.default_rng(3)
    rows = []
    for number, (name, shift) in enumerate((("a", 0.0), ("b", 0.0), ("c", 0.5))):
        for seed in range(seeds):
            loss = 2 * np.exp(shift + 0.02 * rng.standard_normal())
            rows.append({"optimizer": name, "seed": 100 * number + seed, "loss": loss})
    return pd.DataFrame(rows)


def as_csv(frame: pd.DataFrame, path: Path) -> Path:
    frame.to_csv(path, index=False)
    return path
