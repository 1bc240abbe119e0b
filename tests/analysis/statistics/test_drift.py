"""The slope of a series whose neighbouring values are alike."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analysis.statistics.drift import late, slope


def test_the_slope_is_least_squares_and_two_values_have_no_interval() -> None:
    at = np.array([2.0, 4, 6, 8, 10])
    values = np.array([1.0, 1.3, 1.2, 1.9, 2.0])
    found = slope(at, values)
    assert found.value == pytest.approx(np.polyfit(at, values, 1)[0])
    assert found.low < found.value < found.high
    assert math.isnan(slope(at[:2], values[:2]).low)


def test_a_line_without_noise_has_an_error_of_rounding() -> None:
    found = slope(np.arange(9.0), 3 + 0.5 * np.arange(9.0))
    assert (found.low, found.high) == pytest.approx((0.5, 0.5), abs=1e-9)
    assert found.se > 0


def test_the_last_fifth_has_two_values_at_least() -> None:
    assert late(np.arange(1.0, 21)).sum() == 5
    assert late(np.array([1.0, 50, 100])).tolist() == [False, True, True]


@pytest.mark.parametrize(
    ("n", "alike", "least"), [(8, 0.0, 0.94), (20, 0.5, 0.88), (60, 0.8, 0.85)]
)
def test_intervals_cover_where_neighbours_are_alike(n: int, alike: float, least: float) -> None:
    """Of least squares alone, 81 and 45 % of the intervals cover in the two last cases."""
    rng = np.random.default_rng(1)
    noise = rng.standard_normal((1000, n + 60))
    for step in range(1, n + 60):
        noise[:, step] += alike * noise[:, step - 1]
    found = [slope(np.arange(float(n)), one) for one in noise[:, 60:]]
    assert np.mean([one.low <= 0 <= one.high for one in found]) >= least
