"""The prediction interval of one more run holds what one more seed gives."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.laws.coverage import MEASURED, SIGMA, simulate
from analysis.laws.powerlaw import Law, PowerLaw, fit
from analysis.laws.prediction import prediction


def fitted(y: np.ndarray) -> PowerLaw:
    """The law of one simulated sweep [seeds, m] of log y."""
    rows = {
        "sigma": np.tile(SIGMA, len(y)),
        "test/kl": np.exp(y).ravel(),
        "seed": np.repeat(range(len(y)), len(SIGMA)),
    }
    return fit(pd.DataFrame(rows), Law())


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_95_per_cent_of_new_runs_lie_within(seeds: int) -> None:
    """With the seed covariance that was measured: ν, and y at each σ."""
    count = 150
    sweeps = simulate(MEASURED, seeds + 1, count, np.random.default_rng(seeds))
    inside, within = [], []
    for one in sweeps:
        found = prediction(fitted(one[:seeds]))
        assert found is not None
        own = -np.polyfit(np.log(SIGMA), one[seeds], 1)[0]
        inside.append(found.nu.low <= own <= found.nu.high)
        new = np.exp(one[seeds])
        within.append((found.low <= new) & (new <= found.high))
    assert stats.binom.cdf(sum(inside), count, 0.95) > 0.001
    assert stats.binom.sf(sum(inside) - 1, count, 0.95) > 0.001
    assert np.mean(within) == pytest.approx(0.95, abs=0.03)


def test_it_is_wider_than_the_interval_of_the_mean_by_the_root_of_n_plus_one() -> None:
    law = fitted(simulate(MEASURED, 4, 1, np.random.default_rng(0))[0])
    found = prediction(law)
    assert found is not None
    wide, narrow = found.nu.high - found.nu.low, law.ci_high - law.ci_low
    assert wide / narrow == pytest.approx(np.sqrt(5))
    low, high = found.between(SIGMA)
    assert (low, high) == (pytest.approx(found.low), pytest.approx(found.high))
    assert json.loads(json.dumps(law.to_json()["one_more_run"], allow_nan=False))["points"]


def test_one_seed_predicts_nothing() -> None:
    law = fitted(simulate(MEASURED, 1, 1, np.random.default_rng(0))[0])
    assert prediction(law) is None
    assert law.to_json()["one_more_run"] is None
