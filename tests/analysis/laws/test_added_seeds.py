"""Which law had seeds added until its interval was narrow, and when the rule looks at it."""

from __future__ import annotations

from typing import Any

import pytest

from analysis.laws.added_seeds import AddedSeeds, first_look
from analysis.laws.law import Law

SWEEP: dict[str, Any] = {
    "until": {"rule": {"nu_halfwidth": 0.02, "max_seeds": 20}, "path": []},
    "analysis": {"law": {"x": "sigma", "y": "test/kl"}},
}


@pytest.mark.parametrize(("most", "first"), [(5, 5), (8, 8), (11, 11), (12, 5), (40, 5)])
def test_a_small_budget_is_looked_at_once(most: int, first: int) -> None:
    assert first_look(most) == first
    assert AddedSeeds(0.02, most).error == (0.030 if most < 12 else 0.035)


@pytest.mark.parametrize(
    ("sweeps", "law", "found"),
    [
        ([SWEEP], Law(), AddedSeeds(0.02, 20)),
        ([SWEEP | {"analysis": None}], Law(), AddedSeeds(0.02, 20)),
        ([SWEEP], Law("sigma", "test/recon"), None),
        ([SWEEP], Law("alpha"), None),
        ([SWEEP, {"until": None}], Law(), None),
        ([{"until": {"rule": {"equivalence": "decided", "max_seeds": 9}}}], Law(), None),
        ([], Law(), None),
    ],
)
def test_the_rule_is_that_of_the_newest_sweep_on_its_own_law(
    sweeps: list[dict[str, Any]], law: Law, found: AddedSeeds | None
) -> None:
    assert law.after(sweeps).added == found
