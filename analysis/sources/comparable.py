"""Refuse comparisons of incommensurable numbers: `elbo` or `denoise` at two noise levels, or two
units.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from analysis.errors import NotComparable
from analysis.sources.noise import PAPERS, noise_levels, noise_of, with_noise
from analysis.wording import listed, symbol

__all__ = [
    "moving",
    "noise_fields",
    "require_comparable",
    "require_equal_noise",
    "require_one_noise",
    "require_one_unit",
]

DECODER = ("model", "likelihood")
UNNORMALISED = ("elbo", "objective", "objective_clean")
OWN_NOISE = ("denoise", "denoise_one")
LAPLACE = (("likelihood", "laplace"), ("decoder", "laplace"))
IMAGINED_SIGMA = 0.1  # noise level of `denoise` for a decoder without σ or α (Bernoulli)


def noise_fields(trials: pd.DataFrame) -> list[str]:
    """The fields in which these rows differ and on which the normalising constant depends."""
    return [name for name in moving(trials) if trials[name].nunique(dropna=False) > 1]


def moving(trials: pd.DataFrame) -> list[str]:
    """The fields on which the normalising constant of a decoder depends."""
    levels = [*noise_levels(trials), *(name for name in PAPERS if name in trials)]
    return list(dict.fromkeys([*levels, *(name for name in DECODER if name in trials)]))


def require_comparable(metric: str, varied: Collection[str]) -> None:
    """NotComparable if `metric` may not be compared between rows that differ in `varied`.

    varied: some of the fields that `moving` returns, and beta.

    `elbo` leaves out the normalising constant of the decoder, −(d/2) log 2πσ² or −d log 2α, as
    the papers do; that constant depends on the noise level. `objective` and `objective_clean` also
    depend on β; `objective_full` is computed at β = 1.
    """
    name = metric.rpartition("/")[2]
    moved = [field for field in varied if field != "beta" or name != "elbo"]
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
    name, levels = metric.rpartition("/")[2], noise_of(rows)
    kinds = levels.where(levels.notna(), "sigma")
    for column, value in LAPLACE if name == "recon" else ():
        kinds = kinds.mask(rows[column].eq(value), "alpha") if column in rows else kinds
    others = [symbol(kind) for kind in sorted(set(kinds) - {"sigma", "alpha"})]
    if name == "recon" and kinds.nunique() > 1:
        own = f" (of its own where the noise level is {listed(others)})" if others else ""
        raise NotComparable(
            f"{metric} is a sum of absolute errors where the decoder is Laplace's and of squared "
            f"errors elsewhere{own}, units that cannot be compared; compare each kind of decoder "
            "on its own"
        )
    if name != "denoise":
        return
    apart = levels.isna().any() and (levels.eq("sigma") & ~_near(rows)).any()
    if kinds.nunique() > 1 or apart:
        own = f", its own where the level is {listed(others)}" if others else ""
        raise NotComparable(
            f"{metric} is measured at the noise that each decoder imagines (Laplace noise of "
            f"scale α, Gaussian noise of scale σ{own}, σ = {IMAGINED_SIGMA:g} where it has no "
            "level), and here that noise is of two kinds; an evaluation at one noise level for "
            "all (robustness) can be compared"
        )


def require_equal_noise(metric: str, rows: pd.DataFrame) -> None:
    """NotComparable if `metric` is the error of removing noise of different strengths here.

    `denoise` is measured at each model's own noise level, so the weakest noise leaves the least.
    """
    if metric.rpartition("/")[2] not in OWN_NOISE:
        return
    for name in noise_levels(rows):
        if with_noise(rows, name)[name].nunique() > 1:
            raise NotComparable(
                f"{metric} is measured at each model's own noise level, so it cannot be compared "
                f"between different {symbol(name)}: the weakest noise leaves the smallest error; "
                f"take trials of one {symbol(name)} (--where {name}=...), or an evaluation at one "
                "noise level for all (robustness)"
            )


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
    kinds = [set(noise_levels(side)) for side in sides]
    if all(kinds) and not kinds[0] & kinds[1] and not (kinds[0] | kinds[1]) <= {*named}:
        first, second = (listed(sorted(map(symbol, kind))) for kind in kinds)
        raise NotComparable(
            f"one group has a {first} and the other a {second}: there is no "
            "common noise level; choose one of each and a metric in nats, as with "
            "--first sigma=0.1 --second alpha=0.1 --metric test/kl"
        )
