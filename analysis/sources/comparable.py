"""Refuse comparisons of incommensurable numbers: `elbo` at two noise levels, or two units."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from analysis.errors import NotComparable
from analysis.wording import listed, symbol

__all__ = ["noise_fields", "require_comparable", "require_one_noise", "require_one_unit"]

NOISE = ("sigma", "alpha", "model", "likelihood")
UNNORMALISED = ("elbo", "objective", "objective_clean")
LAPLACE = (("likelihood", "laplace"), ("decoder", "laplace"))
IMAGINED_SIGMA = 0.1  # noise level of `denoise` for a decoder without σ or α (Bernoulli)


def noise_fields(trials: pd.DataFrame) -> list[str]:
    """The fields in which these rows differ and on which the normalising constant depends."""
    return [name for name in NOISE if name in trials and trials[name].nunique(dropna=False) > 1]


def require_comparable(metric: str, varied: Collection[str]) -> None:
    """NotComparable if `metric` may not be compared between rows that differ in `varied`.

    `elbo` leaves out the normalising constant of the decoder, −(d/2) log 2πσ² or −d log 2α, as
    the papers do; that constant depends on the noise level. `objective` and `objective_clean` also
    depend on β; `objective_full` is computed at β = 1.
    """
    name = metric.rpartition("/")[2]
    moved = [field for field in varied if field in NOISE or (name != "elbo" and field == "beta")]
    if name in UNNORMALISED and moved:
        other = metric.replace(name, "elbo_full")
        raise NotComparable(
            f"{metric} drops the normalising constant (−(d/2) log 2πσ² or −d log 2α), so it "
            f"cannot be compared between different {listed(map(symbol, moved))}; use {other} "
            "or a likelihood estimate"
        )


def require_one_unit(metric: str, rows: pd.DataFrame) -> None:
    """NotComparable if `metric` is not the same quantity in all of these rows.

    `recon` is in absolute data units for a Laplace decoder, and in squared data units for others.
    `denoise` is always squared, but measured at the noise of the decoder's likelihood: Laplace
    noise of scale α, Gaussian noise of scale σ, or σ = 0.1 for a likelihood without scale.
    """
    name = metric.rpartition("/")[2]
    absolute = _known(rows, "alpha")
    for column, value in LAPLACE if name == "recon" else ():
        absolute |= rows[column].eq(value) if column in rows else False
    if name == "recon" and absolute.any() and not absolute.all():
        raise NotComparable(
            f"{metric} is a sum of absolute errors where the decoder is Laplace's and of squared "
            "errors elsewhere, two units that cannot be compared; compare each kind of decoder "
            "on its own"
        )
    if name != "denoise":
        return
    own = _known(rows, "sigma") & ~absolute
    other = own & ~_near(rows)
    bare = ~(own | absolute)
    if (absolute.any() and not absolute.all()) or (bare.any() and other.any()):
        raise NotComparable(
            f"{metric} is measured at the noise that each decoder imagines (Laplace noise of "
            f"scale α, Gaussian noise of scale σ, σ = {IMAGINED_SIGMA:g} where it has neither), "
            "and here that noise is of two kinds; an evaluation at one noise level for all "
            "(robustness) can be compared"
        )


def _known(rows: pd.DataFrame, column: str) -> pd.Series[bool]:
    return rows[column].notna() if column in rows else pd.Series(False, index=rows.index)


def _near(rows: pd.DataFrame) -> pd.Series[bool]:
    """The rows whose σ is the one at which decoders without a noise level are tested."""
    values = (
        rows["sigma"].astype(float) if "sigma" in rows else pd.Series(np.nan, index=rows.index)
    )
    return pd.Series(np.isclose(values, IMAGINED_SIGMA, rtol=1e-9), index=rows.index)


def require_one_noise(sides: tuple[pd.DataFrame, pd.DataFrame], named: Collection[str]) -> None:
    """NotComparable if one side has a σ and the other an α, which cannot be equal.

    Fields in `named` were chosen by the caller and are not checked.
    """
    kinds = [
        {scale for scale in ("sigma", "alpha") if _known(side, scale).any()} for side in sides
    ]
    if all(kinds) and not kinds[0] & kinds[1] and not (kinds[0] | kinds[1]) <= {*named}:
        first, second = (listed(sorted(map(symbol, kind))) for kind in kinds)
        raise NotComparable(
            f"one group has a {first} and the other a {second}: there is no "
            "common noise level; to compare them all the same, name both noise "
            "levels in the groups"
        )
