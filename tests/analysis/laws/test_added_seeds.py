"""Which law had seeds added until its interval was narrow, and when the rule looks at it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from analysis.laws.added_seeds import few_meet, first_look
from analysis.laws.coverage import cover_until
from analysis.laws.law import Law

SWEEP: dict[str, Any] = {
    "until": {"rule": {"nu_halfwidth": 0.02, "max_seeds": 20}, "path": []},
    "analysis": {"law": {"x": "sigma", "y": "test/kl"}},
}


@pytest.mark.parametrize(("most", "first"), [(5, 5), (8, 8), (11, 11), (12, 5), (40, 5)])
def test_a_small_budget_is_looked_at_once(most: int, first: int) -> None:
    assert first_look(most) == first


@pytest.mark.parametrize(("width", "most"), [(0.02, 5), (0.0125, 5), (0.015, 8), (0.015, 12)])
def test_a_rule_that_few_sweeps_meet_says_how_few(width: float, most: int) -> None:
    """As many as in a simulation of the measured scatter, whose intervals cover too little."""
    seen = cover_until(width, most=most, sweeps=20_000)
    assert seen.met < 0.93
    (told,) = re.findall(r"0\.026\) (\d+) % of sweeps get there", few_meet(width, most))
    assert int(told) == pytest.approx(100 * seen.reached, abs=8)


@pytest.mark.parametrize(("width", "most"), [(0.03, 8), (0.04, 8), (0.02, 20), (0.02, 15)])
def test_a_rule_that_most_sweeps_meet_covers_and_says_nothing(width: float, most: int) -> None:
    assert few_meet(width, most) == ""
    assert cover_until(width, most=most, sweeps=20_000).met > 0.93


def path(*seeds: int) -> dict[str, Any]:
    """The sweep, with a look at each of these numbers of seeds."""
    until = {**SWEEP["until"], "path": [{"trials": 3 * k, "seeds": k} for k in seeds]}
    return SWEEP | {"until": until}


@pytest.mark.parametrize(
    ("sweeps", "law", "looked"),
    [
        ([path(3, 4, 5)], Law(), True),
        ([path(5)], Law(), True),
        ([SWEEP], Law(), True),
        ([SWEEP | {"analysis": None}], Law(), True),
        ([path(3, 4, 5)], Law("sigma", "test/recon"), False),
        ([path(3, 4, 5)], Law("alpha"), False),
        ([path(3, 4, 5), {"until": None}], Law(), True),
        ([path(3, 4, 5), path(20)], Law(), True),
        ([path(20)], Law(), False),
        ([{"until": {"rule": {"equivalence": "decided", "max_seeds": 9}}}], Law(), False),
        ([], Law(), False),
    ],
)
def test_a_law_has_looks_where_any_sweep_added_seeds_to_it(
    sweeps: list[dict[str, Any]], law: Law, looked: bool
) -> None:
    assert law.after(sweeps).looked == looked
