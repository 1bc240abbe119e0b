"""Which law had seeds added until its interval was narrow, and when the rule looks at it."""

from __future__ import annotations

from typing import Any

import pytest

from analysis.laws.added_seeds import first_look
from analysis.laws.law import Law

SWEEP: dict[str, Any] = {
    "until": {"rule": {"nu_halfwidth": 0.02, "max_seeds": 20}, "path": []},
    "analysis": {"law": {"x": "sigma", "y": "test/kl"}},
}


@pytest.mark.parametrize(("most", "first"), [(5, 5), (8, 8), (11, 11), (12, 5), (40, 5)])
def test_a_small_budget_is_looked_at_once(most: int, first: int) -> None:
    assert first_look(most) == first


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
