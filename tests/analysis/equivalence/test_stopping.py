"""Tests that are asked after every seed keep their promise: wrong in one sweep of twenty."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis import report
from analysis.equivalence import each_look, examine, level_of
from analysis.equivalence.stopping import Pair, decide, decide_until, simulate
from analysis.equivalence.tost import jointly, together, tost
from analysis.equivalence.verdict import ALPHA, LEAST_SEEDS
from analysis.sources import load
from tests.analysis import storage_fixture as planted

RULE: dict[str, Any] = {"until": {"rule": {"equivalence": "decided", "max_seeds": 20}, "path": []}}


@pytest.mark.parametrize("alpha", [ALPHA, 0.01])
def test_the_simulated_verdict_is_that_of_the_tests(alpha: float) -> None:
    pair = Pair((0.05, -0.13), 0.09)
    values = simulate(pair, 12, 40, np.random.default_rng(4))
    equivalent, different = decide(values, pair.margin, alpha)
    seen = set()
    for sweep in range(40):
        for seeds in range(LEAST_SEEDS, 13):
            first, second = values[:, sweep, :, :seeds]
            told = together(
                jointly(
                    {
                        str(i): tost(a, b, pair.margin, alpha)
                        for i, (a, b) in enumerate(zip(first, second, strict=True))
                    }
                )
            )
            place = sweep, seeds - LEAST_SEEDS
            seen.add(told)
            assert told == (
                "equivalent"
                if equivalent[place]
                else "different"
                if different[place]
                else "undecided"
            )
    assert len(seen) > 1


@pytest.mark.parametrize("most", [10, 40])
@pytest.mark.parametrize("sd", [0.03, 0.12])
def test_a_difference_of_the_margin_is_called_equivalent_in_one_of_twenty(
    most: int, sd: float
) -> None:
    pair = Pair((0.10, 0.0), sd)
    seen = decide_until(pair, most, sweeps=4000)
    assert seen.equivalent <= 0.06
    assert seen.different <= 0.06
    naive = decide_until(pair, most, sweeps=4000, alpha=ALPHA)
    assert naive.equivalent > seen.equivalent
    if most == 40:
        assert naive.equivalent > 0.10, "else no correction would be needed"


def test_equal_arms_are_found_equivalent_with_more_looks() -> None:
    seen = decide_until(Pair(sd=0.06), 40, sweeps=1000)
    assert seen.equivalent > 0.95
    assert 5 < seen.seeds < 20


def test_more_looks_make_each_of_them_stricter() -> None:
    levels = [each_look(most) for most in (3, LEAST_SEEDS, 6, 10, 20, 40)]
    assert levels[:2] == [ALPHA, ALPHA]
    assert sorted(levels[1:], reverse=True) == levels[1:]
    assert len(set(levels[1:])) == 5


def test_only_a_sweep_that_asked_for_equivalence_has_a_stricter_level() -> None:
    narrow = {"until": {"rule": {"nu_halfwidth": 0.02, "max_seeds": 20}}}
    assert level_of([{}, narrow]) == ALPHA
    assert level_of([{}, RULE]) == each_look(20)


def test_the_report_tests_at_the_level_of_the_looks(tmp_path: Path) -> None:
    trials = [*planted.sigma_trials(12), *planted.alias_trials(12)]
    experiment = load.from_storage(planted.write(tmp_path, trials), "imaginary-noise")
    looked = replace(experiment, sweeps=[*experiment.sweeps[:-1], experiment.sweeps[-1] | RULE])
    once, often = examine(experiment), examine(looked)
    assert (once.alpha, often.alpha) == (ALPHA, each_look(20))
    levels = [
        [
            *(test.alpha for one in found.verdicts["seeds"] for test in one.tests.values()),
            *(one.test.alpha for one in found.verdicts["collapse"]),
        ]
        for found in (once, often)
    ]
    assert len(levels[0]) == 5, "two metrics of two pairs, and the collapse"
    assert min(levels[1]) == pytest.approx(often.alpha / 3)
    stricter = np.array(levels[1]) / np.array(levels[0])
    assert (stricter <= often.alpha / once.alpha * (1 + 1e-9)).all()
    page = report.write(looked, tmp_path / "report").read_text(encoding="utf-8")
    assert "the rule of the sweep asks after every seed" in page
