"""Which numbers may be set against each other: never `elbo` at two noise levels."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from analysis.errors import NotComparable
from analysis.wording import listed, symbol

__all__ = ["noise_fields", "require_comparable"]

NOISE = ("sigma", "alpha", "model", "likelihood")
UNNORMALISED = ("elbo", "objective", "objective_clean")


def noise_fields(trials: pd.DataFrame) -> list[str]:
    """The fields in which these rows differ and which move the dropped normalising constant."""
    return [name for name in NOISE if name in trials and trials[name].nunique(dropna=False) > 1]


def require_comparable(metric: str, varied: Collection[str]) -> None:
    """NotComparable if `metric` may not be compared between rows that differ in `varied`.

    `elbo` drops the normalising constant of the decoder, −(d/2) log 2πσ² or −d log 2α, as the
    papers do; that constant moves with the noise level. `objective` and `objective_clean` also
    move with β, and `objective_full` is taken at β = 1.
    """
    name = metric.rpartition("/")[2]
    moved = [field for field in varied
             if field in NOISE or (name != "elbo" and field == "beta")]
    if name in UNNORMALISED and moved:
        other = metric.replace(name, "elbo_full")
        raise NotComparable(
            f"{metric} drops the normalising constant (−(d/2) log 2πσ² or −d log 2α), so it "
            f"cannot be compared between different {listed(map(symbol, moved))}; use {other} "
            "or a likelihood estimate")
