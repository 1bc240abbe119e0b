"""The shape of several laws that stand together is one question: corrected over all of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analysis.laws.coverage import MEASURED, SIGMA, simulate
from analysis.laws.law import Law, Points
from analysis.laws.powerlaw import PowerLaw, fit_points
from analysis.laws.shape_family import with_shapes
from analysis.statistics.multiplicity import holm


def laws(count: int, seeds: int = 5, bend: float = 0.0) -> list[PowerLaw]:
    y = simulate(MEASURED, seeds, count, np.random.default_rng(4))
    x = np.tile(SIGMA, seeds)
    bent = bend * (np.log(SIGMA) - np.log(SIGMA).mean()) ** 2
    seed = np.repeat(np.arange(seeds), len(SIGMA))
    return [fit_points(Points(x, np.exp(one + bent).ravel(), seed), Law()) for one in y]


def test_each_kind_of_check_is_a_family_over_the_laws() -> None:
    own = laws(6)
    found = list(with_shapes(own))
    bends = holm(np.array([law.bend.p for law in own]))
    lacks = holm(np.array([law.lack.p for law in own if law.lack]))
    moves = holm(np.array([one.p for law in own for one in law.influence]))
    assert [law.curvature_p for law in found] == pytest.approx(bends)
    assert [law.lack_p for law in found] == pytest.approx(lacks)
    assert [one.p_holm for law in found for one in law.influence] == pytest.approx(moves)
    assert [law.bend for law in found] == [law.bend for law in own]
    assert "quadratic coefficient" in found[0].sentence()
    assert ", Holm p = " in found[0].sentence()
    assert found[0].to_json()["curvature_p"] == own[0].bend.p
    assert found[0].to_json()["curvature_p_holm"] == pytest.approx(bends[0])


def test_a_bend_that_one_law_would_show_is_not_established_among_many() -> None:
    (bent,) = laws(1, bend=-0.08)
    p = 0.03
    one = replace(bent, bend=replace(bent.bend, p=p))
    straight = [replace(law, bend=replace(law.bend, p=0.5)) for law in laws(4)]
    assert next(with_shapes([one])).bends
    first, *rest = with_shapes([one, *straight])
    assert first.curvature_p == pytest.approx(5 * p)
    assert not any(law.bends for law in (first, *rest))
    assert "A bend is not established" in first.sentence()


def test_laws_without_a_test_are_no_part_of_the_family() -> None:
    tested, few = laws(1)[0], laws(1, seeds=2)[0]
    found = list(with_shapes([tested, few]))
    assert found == [tested, few]
    assert found[0].bend_holm is None
    several = list(with_shapes([*laws(2), few]))
    assert np.isnan(several[2].bend_holm or 0.0)
    assert not several[2].bends
