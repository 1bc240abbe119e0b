"""A law keeps trials that are not trained by their own histories, and says what ν is without."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from analysis.laws.answer import law_answer
from analysis.laws.powerlaw import Law, PowerLaw, fit

SIGMA = (0.05, 0.1, 0.2, 0.4, 0.8)


def law_of(short: dict[float, int], seeds: int = 3) -> PowerLaw:
    """short: how many of them are not trained at a σ, where log KL is 0.5 lower."""
    rng = np.random.default_rng(5)
    rows = [
        {
            "trial": f"{sigma}-{seed}",
            "status": "finished",
            "role": "declared",
            "sigma": sigma,
            "seed": seed,
            "training": "not trained" if seed < short.get(sigma, 0) else "converged",
            "test/kl": np.exp(1 - (sigma in short) * 0.5 + 0.01 * rng.standard_normal())
            * sigma**-1.2,
        }
        for sigma in SIGMA
        for seed in range(seeds)
    ]
    return fit(pd.DataFrame(rows), Law())


def test_the_law_keeps_them_and_says_what_it_is_without_their_settings() -> None:
    law = law_of({0.05: 3, 0.1: 1})
    assert law.short is not None
    assert (law.n, law.short.short, law.short.of, law.short.left) == (15, 4, 15, 3)
    assert law.nu < 1.1
    assert law.short.without is not None
    assert law.short.without.value == pytest.approx(1.2, abs=0.02)
    said = law.sentence()
    assert "By their own histories 4 of its 15 trials are not trained; the law keeps them" in said
    assert "Over the 3 σ at which all are trained ν is 1.2" in said
    assert "4 of its 15 trials are not trained" in law_answer(law)
    found = json.loads(json.dumps(law.to_json(), allow_nan=False))["short_trials"]
    assert found["nu_without"]["value"] == law.short.without.value


def test_too_few_settings_are_left_for_a_law_without() -> None:
    law = law_of({0.05: 1, 0.1: 1, 0.2: 1})
    assert law.short is not None
    assert law.short.without is None
    assert "; too few σ at which all are trained are left for a law." in law.sentence()


def test_one_seed_has_no_interval_without_them_either() -> None:
    law = law_of({0.05: 1}, seeds=1)
    assert law.short is not None
    assert "Over the 4 σ at which all are trained ν is 1.19." in law.short.sentence(law.one_seed)
    assert "%" not in law.short.sentence(law.one_seed)


def test_where_all_are_trained_nothing_is_said() -> None:
    law = law_of({})
    assert law.short is None
    assert "own histor" not in law.sentence()
    assert law.to_json()["short_trials"] is None
