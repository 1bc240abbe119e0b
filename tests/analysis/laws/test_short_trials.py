"""A law keeps trials that are not trained by their own histories, and says what ν is without."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.laws.answer import law_answer
from analysis.laws.convergence import Convergence
from analysis.laws.equal_exponents import equal_between
from analysis.laws.hypotheses import against
from analysis.laws.powerlaw import Law, PowerLaw, fit
from analysis.statistics.estimate import Estimate

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
    assert "By their own histories 4 of its 15 trials are not trained; the fit keeps them" in said
    assert "Over the 3 σ at which all are trained ν is 1.2" in said
    assert "; post hoc: these σ were chosen by their outcome." in said
    assert law_answer(law).startswith(
        "No law of test KL against σ is claimed, for 4 of its 15 trials are not trained; fitted "
        "to all of them, ν = 0.981 (95 %: "
    )
    found = json.loads(json.dumps(law.to_json(), allow_nan=False))["short_trials"]
    assert found["nu_without"]["value"] == law.short.without.value
    assert found["post_hoc"] == "these σ were chosen by their outcome"


@pytest.mark.parametrize("seeds", [1, 2, 5])
def test_no_law_is_claimed_of_a_fit_with_trials_that_are_not_trained(seeds: int) -> None:
    """Neither that KL goes as a power of σ, nor how sure it is that it depends on it."""
    said = law_of({0.2: 1}, seeds).sentences()[0]
    assert said.startswith("The fit of test KL to all trials is σ^−ν with ν = ")
    assert said.endswith(f"; no law is claimed, for 1 of its {5 * seeds} trials is not trained.")
    assert "p " not in said
    assert not {"goes", "depends"} & {*said.split()}


def test_what_speaks_against_a_line_is_said_although_trials_are_not_trained() -> None:
    """A dip where trials are short may be a bend of the training or of the law."""
    law = law_of({0.2: 2}, seeds=5)
    assert law.bends
    assert law.lacks
    said = law.sentence()
    assert "The points bend (quadratic coefficient " in said
    assert "whether the law does, or training is only too short, is not known." in said
    assert "Lack of fit: the points leave line and bend by more than seeds scatter" in said
    assert law.to_json()["bends"] is True
    assert "the line bends" in law_answer(law)


def test_of_a_fit_with_untrained_trials_only_doubts_are_said() -> None:
    law = replace(law_of({}, seeds=5), short=law_of({0.2: 2}, seeds=5).short)
    assert not law.bends
    said = law.sentence()
    assert "The points show no bend (quadratic coefficient " in said
    assert "that is no proof of a straight line." in said
    assert "established" not in said
    assert "Lack of fit" not in said


def test_no_hypothesis_on_nu_is_decided_where_trials_are_not_trained() -> None:
    """Neither of one law nor of an equality."""
    law, other = law_of({0.05: 1}), law_of({0.05: 2})
    found = against(law, 5.0, "5")
    assert found.p < 0.05
    assert found.sentence().endswith("; no claim, for 1 of its 15 trials is not trained.")
    [pair] = equal_between({"a": law, "b": other}).pairs
    assert pair.sentence().endswith("; no claim, for 3 of their 30 trials are not trained.")
    assert "rejected" not in found.sentence() + pair.sentence()
    told = json.loads(json.dumps(found.to_json(), allow_nan=False))["training"]
    assert (told["verdict"], told["epochs"]) == ("not trained", None)
    [whole] = equal_between({"a": law_of({}), "b": law_of({})}).pairs
    assert "not trained" not in whole.sentence()
    assert "is not tested: difference 0.00; no scatter between seeds; as given" in whole.sentence()


def test_a_law_at_rest_is_not_called_followed_where_trials_are_not_trained() -> None:
    nu = Estimate(1.2, 0.001, 1.199, 1.201, 2, 1e-6, "t")
    still = Estimate(0.0, 1e-5, -1e-5, 1e-5, 2, 0.5, "t")
    rest = Convergence((96, 97, 98, 99, 100), (nu,) * 5, still)
    law = replace(law_of({0.05: 1}), convergence=rest)
    whole = replace(law_of({}), convergence=rest)
    assert whole.sentence().startswith("test KL follows σ^−ν")
    assert law.sentence().startswith("After 100 epochs the fit of test KL to all trials is σ^−ν")
    answer = law_answer(law)
    assert "for 1 of its 15 trials is not trained after 100 epochs; fitted to all" in answer
    found = against(law, 5.0, "5").sentence()
    assert "no claim, for 1 of its 15 trials is not trained after 100 epochs." in found


def test_too_few_settings_are_left_for_a_law_without() -> None:
    law = law_of({0.05: 1, 0.1: 1, 0.2: 1})
    assert law.short is not None
    assert law.short.without is None
    assert "; too few σ at which all are trained are left for a law." in law.sentence()


def test_one_seed_has_no_interval_without_them_either() -> None:
    law = law_of({0.05: 1}, seeds=1)
    assert law.short is not None
    assert "Over the 4 σ at which all are trained ν is 1.19; post hoc: " in law.short.sentence(
        law.one_seed
    )
    assert "%" not in law.short.sentence(law.one_seed)


def test_where_all_are_trained_nothing_is_said() -> None:
    law = law_of({})
    assert law.short is None
    assert "own histor" not in law.sentence()
    assert law.to_json()["short_trials"] is None
