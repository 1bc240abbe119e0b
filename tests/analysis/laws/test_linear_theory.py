"""Reverse water-filling against closed forms and numbers known from MNIST's spectrum."""

from __future__ import annotations

import numpy as np
import pytest

from analysis import published
from analysis.errors import AnalysisError
from analysis.laws.linear_theory import collapse, curve, kl, recon, require_gaussian
from analysis.sources.schema import Spectrum


def test_one_dimension_in_closed_form() -> None:
    assert kl([4.0], 1.0) == pytest.approx([0.5 * np.log(4.0)])
    assert recon([4.0], 1.0) == pytest.approx([1.0])
    assert kl([4.0], 3.0) == pytest.approx([0.0])
    assert recon([4.0], 3.0) == pytest.approx([4.0])


def test_only_the_largest_d_z_are_encoded() -> None:
    values = [1.0, 9.0, 4.0]
    assert kl(values, 0.5, d_z=2) == pytest.approx([0.5 * (np.log(36) + np.log(16))])
    assert recon(values, 0.5, d_z=2) == pytest.approx([0.25 + 0.25 + 1.0])


def test_is_the_rate_distortion_function_of_a_gaussian() -> None:
    """dR/dD = −1/(2σ²): the slope of the rate-distortion curve at water level σ²."""
    values = np.geomspace(4, 0.1, 12)
    sigma = np.array([0.7, 0.7 + 1e-6])
    rate, distortion = kl(values, sigma), recon(values, sigma)
    assert np.diff(rate) / np.diff(distortion) == pytest.approx([-1 / (2 * 0.49)], rel=1e-4)


def test_mnist_without_and_with_a_limit_on_d_z() -> None:
    values = published.mnist_spectrum().eigenvalues
    sigma = np.arange(1, 10) / 10
    assert kl(values, sigma) == pytest.approx(
        [207, 86.5, 48.9, 30.9, 20.8, 14.5, 10.4, 7.65, 5.72], rel=0.004
    )
    assert kl(values, sigma[:2], d_z=100) == pytest.approx([155, 85.6], rel=0.001)


def test_curve_with_beta_is_the_curve_at_sigma_root_beta() -> None:
    spectrum = Spectrum("toy", "c", 3, np.array([4.0, 1.0, 0.25]))
    scaled = curve(spectrum, [0.3], beta=4.0)
    plain = curve(spectrum, [0.6])
    assert scaled["kl"].to_numpy() == pytest.approx(plain["kl"].to_numpy())
    assert list(scaled["active"]) == list(plain["active"]) == [2]


def test_collapse_names_the_sigmas_beyond_the_largest_eigenvalue() -> None:
    spectrum = Spectrum("toy", "c", 2, np.array([0.25, 0.04]))
    found = collapse(spectrum, [0.1, 0.3, 0.6, 0.9])
    assert found.threshold == pytest.approx(0.5)
    assert found.sigmas == (0.6, 0.9)
    assert found.active == (2, 1, 0, 0)
    assert "that of a deep one need not, and no KL was measured there" in found.sentence()
    beside = collapse(spectrum, [0.3, 0.6, 0.9], measured={0.3: 5.0, 0.6: 2.34})
    assert beside.sentence() == (
        "The posterior of a linear σ-VAE collapses above σ = 0.5 (√λ_max of these data); that of "
        "a deep one need not: the measured KL is 2.34 nats/example at σ = 0.6."
    )
    assert "no σ of this sweep" in collapse(spectrum, [0.1]).sentence()


@pytest.mark.parametrize(
    ("values", "sigma", "d_z"),
    [
        ([], 0.1, None),
        ([0.0], 0.1, None),
        ([np.nan], 0.1, None),
        ([1.0], 0.0, None),
        ([1.0], np.inf, None),
        ([1.0], 0.1, 0),
    ],
)
def test_bad_input_is_one_sentence(values: list[float], sigma: float, d_z: int | None) -> None:
    with pytest.raises(AnalysisError):
        kl(values, sigma, d_z)


def test_laplace_has_no_linear_theory() -> None:
    require_gaussian("sigma")
    with pytest.raises(AnalysisError, match="not known in closed form"):
        require_gaussian("alpha")
