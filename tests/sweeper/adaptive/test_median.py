"""Median stopping: who falls behind the median of the others' means is trained no further."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from statistics import fmean, median

import pytest

from sweeper.adaptive.median import MedianStopping
from sweeper.sweep import Sweep
from tests.sweeper.searched import load, search, states
from tests.sweeper.small import metrics_of, small_sweep, train

RULE = MedianStopping(metric="m", mode="max", least=2)
RATES = "{model: sigma_vae, sigma: 0.3, lr: {logspace: [1e-1, 1e-4, 7]}}"


def test_the_rungs_end_with_the_trial() -> None:
    rule = replace(RULE, min_epochs=2, every=3)
    assert rule.rungs(9) == [2, 5, 8, 9]
    assert rule.rungs(8) == [2, 5, 8]
    assert rule.share(5, 9) == 1.0


def test_the_best_value_is_compared_with_the_median_of_the_others_means() -> None:
    """Means 2, 3, 4: the point with the best value 2.9 falls behind, the one with 3 does not."""
    others = {0: (1.0, 3.0), 1: (3.0, 3.0), 2: (5.0, 3.0)}
    assert RULE.promoted({**others, 3: (2.9, 0.0)}, 9) == [2, 0, 1]
    assert RULE.promoted({**others, 3: (0.0, 3.0)}, 9) == [2, 0, 1, 3]


def test_little_is_good_where_the_grid_says_so() -> None:
    others = {0: (1.0,), 1: (2.0,), 2: (3.0,)}
    assert replace(RULE, mode="min").promoted(others, 9) == [0, 1]
    assert RULE.promoted(others, 9) == [2, 1]


def test_nothing_is_stopped_before_enough_others_have_come_as_far() -> None:
    assert RULE.promoted({0: (1.0,), 1: (2.0,)}, 9) == [1, 0]
    assert RULE.promoted({0: (1.0,), 1: (2.0,), 2: ()}, 9) == [1, 0]
    assert RULE.promoted({0: (1.0,), 1: (2.0,), 2: (3.0,)}, 9) == [2, 1]


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    folder = tmp_path_factory.mktemp("median")
    text = "{method: median, metric: test/elbo_full, mode: max, least: 3}"
    sweep = load(folder, text, RATES, epochs=4)
    source, _ = search(sweep)
    assert source.complete
    return sweep


def test_what_is_trained_is_what_it_would_have_been(searched: Sweep, tmp_path: Path) -> None:
    whole = small_sweep(tmp_path, *searched.trials)
    train(whole)
    for trial in searched.trials:
        records = metrics_of(searched, trial)
        assert records == metrics_of(whole, trial)[: len(records)]
    ends = [metrics_of(whole, trial)[-1][2]["test/elbo_full"] for trial in whole.trials]
    best = max(range(len(ends)), key=ends.__getitem__)
    assert len(metrics_of(searched, searched.trials[best])) == 4


def test_all_that_were_stopped_had_fallen_behind(searched: Sweep) -> None:
    curves = [
        [metrics["test/elbo_full"] for _, _, metrics in metrics_of(searched, trial)]
        for trial in searched.trials
    ]
    stopped = [curve for curve in curves if len(curve) < 4]
    assert stopped
    for curve in stopped:
        epoch = len(curve)
        others = [fmean(one[:epoch]) for one in curves if one is not curve and len(one) >= epoch]
        assert len(others) >= 3
        assert max(curve) < median(others)


def test_a_search_that_has_ended_trains_nothing_more(searched: Sweep) -> None:
    before = states(searched, searched.trials)
    assert set(before.values()) == {"finished", "pruned"}
    _, news = search(searched)
    assert news == []
    assert states(searched, searched.trials) == before
