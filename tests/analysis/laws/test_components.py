"""Each component of the variance of ν is the one that was planted."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from analysis.errors import MixedRows
from analysis.laws.components import Component, components, split_sd
from analysis.laws.powerlaw import Law, fit
from analysis.sources.schema import SPLIT, Examples

SIGMA = np.geomspace(0.1, 0.8, 5)
LAW = Law()


def grid(
    seeds: int = 4, splits: int = 1, split_sd: float = 0.0, seed_sd: float = 0.02
) -> pd.DataFrame:
    """Trials with ν = 1 + a deviation of the seed and one of the split."""
    rng = np.random.default_rng(0)
    seed, split = rng.normal(0, seed_sd, seeds), rng.normal(0, split_sd, splits)
    rows = [
        {
            "trial": f"{s}-{k}-{sigma:g}",
            "model": "sigma_vae",
            "seed": s,
            SPLIT: k,
            "sigma": sigma,
            "status": "finished",
            "role": "declared",
            "test/kl": 10 * sigma ** -(1 + seed[s] + split[k] + rng.normal(0, 1e-3)),
        }
        for s in range(seeds)
        for k in range(splits)
        for sigma in SIGMA
    ]
    return pd.DataFrame(rows)


def found(
    trials: pd.DataFrame, examples: Callable[[str], Examples | None] = lambda trial: None
) -> dict[str, Component]:
    return {one.name: one for one in components(fit(trials, LAW), trials, examples)}


def test_the_seeds_component_is_the_standard_error_of_the_headline() -> None:
    trials = grid()
    assert found(trials)["seed"].sd == fit(trials, LAW).se
    one = found(trials[trials["seed"] == 0])
    assert math.isnan(one["seed"].sd)
    assert "one seed" in one["seed"].of


def test_the_bootstrap_over_test_images_is_the_delta_method() -> None:
    """KL_i(σ) = KL(σ)·exp(b_i log σ)/…: var ν = var of the influence of an example, over n."""
    rng = np.random.default_rng(1)
    trials, n = grid(seeds=3), 2000
    b = rng.normal(0, 0.5, n)
    raw = {row.trial: row.sigma**-b for row in trials.itertuples()}
    kept = {
        name: {"kl": (row / row.mean() * kl).astype(np.float32)}
        for (name, row), kl in zip(raw.items(), trials["test/kl"], strict=True)
    }
    x = np.log(SIGMA) - np.log(SIGMA).mean()
    shares = np.stack([sigma**-b / (sigma**-b).mean() for sigma in SIGMA])
    influence = -(x @ (shares - 1)) / (x @ x)
    exact = influence.std() / math.sqrt(n)
    image = found(trials, kept.get)["test images"]
    assert image.sd == pytest.approx(exact, rel=0.12)
    assert "2,000 test examples" in image.of
    some = {name: one for name, one in kept.items() if not name.startswith("0-")}
    assert math.isnan(found(trials, some.get)["test images"].sd)
    told = found(trials, some.get)["test images"].of
    assert told.startswith("unknown: 5 of 15 trials kept no single examples (0-0-0.1, 0-0-0.16")
    assert told.endswith(" and 2 more)")


def test_the_splits_component_is_apart_from_the_seeds() -> None:
    """12 splits: 0.05 / √12; with no split effect at all it is near zero, whatever the seeds."""
    wide = found(grid(seeds=4, splits=12, split_sd=0.05))["split"]
    assert wide.sd == pytest.approx(0.05 / math.sqrt(12), rel=0.4)
    assert wide.of == "12 splits of 4 seeds each"
    assert found(grid(seeds=4, splits=12))["split"].sd < 0.001
    assert "one split" in found(grid())["split"].of


def test_splits_with_data_of_their_own_are_averaged_and_no_new_seeds() -> None:
    trials = grid(seeds=4, splits=3, split_sd=0.05)
    trials["checksum"] = "c" + trials[SPLIT].astype(str)
    law = fit(trials, LAW)
    assert law.n_seeds == 4
    assert "3 splits of the data were averaged for each seed: they are not new seeds" in law.notes
    trials.loc[trials["sigma"] == SIGMA[0], "checksum"] = "other"
    with pytest.raises(MixedRows, match="checksum"):
        fit(trials.assign(**{SPLIT: 0}), LAW)


def test_the_estimate_of_the_split_sd_is_unbiased_in_its_square() -> None:
    rng = np.random.default_rng(0)
    squares = [
        split_sd(
            rng.normal(0, 0.3, (6, 1)) + rng.normal(0, 1, (1, 4)) + rng.normal(0, 0.1, (6, 4))
        )
        ** 2
        for _ in range(2000)
    ]
    assert np.mean(squares) == pytest.approx(0.09, rel=0.05)


def test_the_epochs_component_is_the_scatter_about_the_trend() -> None:
    rng = np.random.default_rng(2)
    trials = grid(seeds=2, seed_sd=1e-6)
    epochs = np.arange(1, 201)
    noise = rng.normal(0, 0.004, len(epochs))
    rows = [
        {
            "trial": row.trial,
            "seed": row.seed,
            "metric": "test/kl",
            "step": int(epoch),
            "value": 10 * row.sigma ** -(1.2 - 0.001 * epoch + noise[at]),
        }
        for row in trials.itertuples()
        for at, epoch in enumerate(epochs)
    ]
    law = fit(trials, LAW, history=pd.DataFrame(rows))
    (epoch,) = [one for one in components(law, trials, lambda trial: None) if one.name == "epoch"]
    assert epoch.sd == pytest.approx(0.004, rel=0.25)
    assert math.isnan(found(trials)["epoch"].sd)
    few = pd.DataFrame(rows).query("step <= 10")
    law = fit(trials, LAW, history=few)
    (epoch,) = [one for one in components(law, trials, lambda trial: None) if one.name == "epoch"]
    assert math.isnan(epoch.sd)
    assert epoch.of == (
        "unknown: it takes 4 measured epochs in the last fifth of training, and there are 3 "
        "(longer training, or a smaller `test_every`)"
    )
