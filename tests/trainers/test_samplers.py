"""Samplers against distributions that are known."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.trainers.mixture import MIXTURE, mixture_model
from trainers import Trial
from trainers.conformance.examples import small
from trainers.datasets.digits import Digits
from trainers.datasets.linear_gaussian import LinearGaussian
from trainers.errors import Incompatible, InvalidValue
from trainers.fields import describe_fields
from trainers.likelihoods.gaussian import Gaussian
from trainers.model import Model
from trainers.networks import NETWORKS
from trainers.networks.linear import Linear
from trainers.networks.quadratic import Quadratic
from trainers.objectives import OBJECTIVES, Objective
from trainers.objectives.deen import Deen
from trainers.objectives.elbo import Elbo
from trainers.objectives.uvb import Uvb
from trainers.samplers import SAMPLERS
from trainers.samplers.ancestral import Ancestral
from trainers.samplers.langevin import Langevin
from trainers.samplers.nebula import Nebula
from trainers.samplers.walk_jump import WalkJump

WALKS = ("langevin", "nebula", "walk_jump")
SHORT = {"steps": 4, "jumps": 2, "every": 2}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def gaussian(precision: Tensor, bias: Tensor, sigma: float) -> tuple[Objective, Model]:
    """The energy ½ yᵀPy + bᵀy."""
    trial = Trial(
        objective=Deen(sigma=sigma), network=Quadratic(), data=LinearGaussian(dims=len(bias))
    )
    return trial.bind(
        dict(trial.build_modules()), {"energy.weight": precision, "energy.bias": bias}, {}
    )


@pytest.mark.parametrize("delta", [0.3, 0.8])
def test_langevins_stationary_covariance_is_the_closed_form(delta: float) -> None:
    """[P(I − δ²P/2)]⁻¹, not P⁻¹; the mean is −P⁻¹b."""
    rotation, _ = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64, generator=seeded()))
    p = rotation @ torch.diag(torch.tensor([0.95, 0.6, 0.4], dtype=torch.float64)) @ rotation.T
    bias = torch.tensor([0.2, -0.3, 0.1], dtype=torch.float64)
    objective, model = gaussian(p, bias, sigma=1.0)
    count, steps = 8_000, math.ceil(7 / (delta**2 * 0.4))
    y = Langevin(delta=delta, steps=steps).sample(objective, model, count, seeded(1))
    expected = torch.linalg.inv(p @ (torch.eye(3, dtype=torch.float64) - delta**2 * p / 2))
    spread = expected.diagonal()
    error = ((spread.outer(spread) + expected.square()) / count).sqrt()
    assert bool(((y.T.cov() - expected).abs() < 4.5 * error).all())
    off = y.mean(0) + torch.linalg.solve(p, bias)
    assert bool((off.abs() < 4.5 * (spread / count).sqrt()).all())


def test_the_finite_step_is_seen() -> None:
    """The test above could tell δ²P/2 from nothing: 44 % more variance at δ = 0.8, P = 0.95."""
    assert 1 / (1 - 0.8**2 * 0.95 / 2) > 1.4


def test_walk_jump_on_a_mixture_jumps_to_the_mean_and_visits_every_component() -> None:
    sigma = 0.5
    model = mixture_model(MIXTURE, sigma)
    jumps = WalkJump(delta=0.3, every=20, jumps=10).sample(
        Deen(sigma=sigma), model, 2_000, seeded()
    )
    mean = MIXTURE.weights @ MIXTURE.means
    torch.testing.assert_close(jumps.mean(0), mean, rtol=0, atol=0.04)
    nearest = torch.cdist(jumps, MIXTURE.means).argmin(-1)
    assert bool((nearest.bincount(minlength=3) > 200).all())


def test_the_jumps_are_the_estimates_along_the_walk() -> None:
    """The paper's picture: an image after every ten steps, and the walk goes on undisturbed."""
    objective, model = Deen(sigma=0.5), mixture_model(MIXTURE, 0.5)
    jumps = WalkJump(every=10, jumps=3).trajectory(objective, model, 4, seeded())
    walk = Langevin(steps=30).trajectory(objective, model, 4, seeded())
    expected = torch.stack([MIXTURE.posterior_mean(y, 0.5) for y in walk[9::10]])
    torch.testing.assert_close(jumps, expected, rtol=1e-12, atol=1e-12)


def test_nebula_is_the_estimate_of_the_estimate() -> None:
    objective, model = Deen(sigma=0.5), mixture_model(MIXTURE, 0.5)
    y = torch.randn(6, 2, dtype=torch.float64, generator=seeded())
    once, twice = Nebula().descend(objective, model, y, seeded())
    torch.testing.assert_close(once, MIXTURE.posterior_mean(y, 0.5))
    torch.testing.assert_close(twice, MIXTURE.posterior_mean(once, 0.5))


def test_nebula_goes_down_the_energy() -> None:
    """Steps of σ² cannot overshoot, because the energy of noisy data has a Hessian ≤ I/σ²."""
    objective, model = Deen(sigma=0.5), mixture_model(MIXTURE, 0.5)
    y = 2 * torch.randn(50, 2, dtype=torch.float64, generator=seeded())
    path = [y, *Nebula(descents=4).descend(objective, model, y, seeded())]
    energies = torch.stack([model.energy(step).detach() for step in path])
    assert bool((energies.diff(dim=0) <= 1e-12).all())


def test_the_walk_is_the_papers_by_default() -> None:
    """δ = 0.2·σ, and a jump after every ten steps, by Eq. 19 and 20 written out."""
    sigma = 0.5
    precision = torch.diag(torch.tensor([1.5, 0.5, 3.0], dtype=torch.float64))
    bias = torch.tensor([0.2, -0.3, 0.1], dtype=torch.float64)
    objective, model = gaussian(precision, bias, sigma)
    found = WalkJump(jumps=2).trajectory(objective, model, 3, seeded(4))
    generator = seeded(4)
    y = torch.rand(3, model.dims, dtype=torch.float64, generator=generator)
    torch.randn(3, model.dims, dtype=torch.float64, generator=generator)
    jumps = []
    for step in range(1, 21):
        eps = torch.randn(3, model.dims, dtype=torch.float64, generator=generator)
        y = y - (0.2 * sigma) ** 2 * (y @ precision + bias) + math.sqrt(2) * 0.2 * sigma * eps
        if step % 10 == 0:
            jumps.append(y - sigma**2 * (y @ precision + bias))
    torch.testing.assert_close(found, torch.stack(jumps), rtol=1e-12, atol=1e-12)


def test_every_step_and_every_jump_of_uvb_take_new_latents() -> None:
    objective, model = untrained("uvb")
    found = WalkJump(every=2, jumps=2, start="noisy").trajectory(objective, model, 3, seeded(4))
    generator, sigma, jumps = seeded(4), 0.3, []

    def latents() -> dict[str, Tensor]:
        return {"latent": torch.randn(2, 3, model.d_z, generator=generator)}

    y = torch.rand(3, 64, generator=generator)
    y = y + sigma * torch.randn(3, 64, generator=generator)
    for step in range(1, 5):
        eps = torch.randn(3, 64, generator=generator)
        slope = objective.gradient(model, y, latents()).detach()  # type: ignore[attr-defined]
        y = y - (0.2 * sigma) ** 2 * slope + math.sqrt(2) * 0.2 * sigma * eps
        if step % 2 == 0:
            jumps.append(objective.denoise(model, y, latents()).detach())
    torch.testing.assert_close(found, torch.stack(jumps))


def test_nebula_descends_from_where_a_walk_ends() -> None:
    objective, model = Deen(sigma=0.5), mixture_model(MIXTURE, 0.5)
    walk: dict[str, Any] = {"delta": 0.3, "steps": 7, "start": "noisy"}
    y = Langevin(**walk).sample(objective, model, 4, seeded())
    for one in Nebula(descents=3, **walk).trajectory(objective, model, 4, seeded()):
        y = MIXTURE.posterior_mean(y, 0.5)
        torch.testing.assert_close(one, y)


@pytest.mark.parametrize("start", ["uniform", "noisy"])
def test_the_walk_starts_in_the_unit_cube(start: Any) -> None:
    """At δ → 0 the walk stays at its start: mean ½, variance 1/12 (+ σ²)."""
    objective, model = gaussian(
        torch.eye(2, dtype=torch.float64), torch.zeros(2, dtype=torch.float64), sigma=0.5
    )
    y = Langevin(delta=1e-9, steps=1, start=start).sample(objective, model, 20_000, seeded())
    variance = 1 / 12 + (0.25 if start == "noisy" else 0)
    torch.testing.assert_close(y.mean(0), torch.full_like(y[0], 0.5), rtol=0, atol=0.02)
    torch.testing.assert_close(y.var(0), torch.full_like(y[0], variance), rtol=0.05, atol=0)
    assert (start == "uniform") == bool(((y >= -1e-6) & (y <= 1 + 1e-6)).all())


def test_the_step_is_in_units_of_sigma() -> None:
    """The same walk on the same energy in other units of length is the same walk."""
    unit, narrow = (
        gaussian(
            torch.eye(2, dtype=torch.float64) / sigma**2,
            torch.zeros(2, dtype=torch.float64),
            sigma,
        )
        for sigma in (1.0, 0.01)
    )
    wide = Langevin(steps=200).sample(*unit, 3, seeded())
    thin = Langevin(steps=200).sample(*narrow, 3, seeded())
    start = torch.rand(3, 2, dtype=torch.float64, generator=seeded())
    left = 0.96**200 * start
    torch.testing.assert_close((thin - left) / 0.01, wide - left, rtol=1e-8, atol=1e-8)


def test_a_step_that_is_too_large_is_refused_with_the_rule() -> None:
    objective, model = gaussian(
        torch.eye(2, dtype=torch.float64) / 0.01, torch.zeros(2, dtype=torch.float64), sigma=0.1
    )
    with pytest.raises(InvalidValue, match="below √2 σ"):
        Langevin(delta=2.0, steps=1000).sample(objective, model, 3, seeded())


@pytest.mark.parametrize(
    ("objective", "likelihood"), [(Elbo(), Gaussian(sigma=0.3)), (Uvb(sigma=0.3), None)]
)
def test_ancestral_samples_have_the_decoders_covariance(
    objective: Objective, likelihood: Gaussian | None
) -> None:
    """x̂(z) = Vz + c of z ~ N(0, I) is N(c, VVᵀ)."""
    trial = Trial(
        objective=objective,
        likelihood=likelihood,
        network=Linear(d_z=2),
        data=LinearGaussian(dims=3),
    )
    torch.manual_seed(0)
    modules = trial.build_modules().double()
    params = dict(modules.named_parameters())
    x = Ancestral().sample(*trial.bind(dict(modules), params, {}), 40_000, seeded())
    v, c = (params[f"decoder.out.{name}"].detach() for name in ("weight", "bias"))
    torch.testing.assert_close(x.T.cov(), v @ v.T, rtol=0, atol=0.02)
    torch.testing.assert_close(x.mean(0), c, rtol=0, atol=0.02)


def untrained(objective: str) -> tuple[Objective, Model]:
    """A toy model of digits with the first network that fits."""
    kind = OBJECTIVES[objective]
    network = next(name for name in NETWORKS if NETWORKS[name].kind == kind.network)
    trial = Trial(
        objective=small(kind),
        network=small(NETWORKS[network]),
        data=Digits(),
        likelihood=Gaussian(sigma=0.3) if kind.likelihood else None,
    )
    torch.manual_seed(0)
    modules = trial.build_modules()
    return trial.bind(dict(modules), dict(modules.named_parameters()), {})


def short(name: str) -> Any:
    fields = {field.name for field in describe_fields(SAMPLERS[name])}
    return SAMPLERS[name](**{key: value for key, value in SHORT.items() if key in fields})


def admitted(sampler: str, objective: str) -> bool:
    try:
        short(sampler).check(small(OBJECTIVES[objective]))
    except Incompatible:
        return False
    return True


PAIRS = list(itertools.product(SAMPLERS, OBJECTIVES))


@pytest.mark.parametrize(("sampler", "objective"), [pair for pair in PAIRS if admitted(*pair)])
def test_samples_are_finite_and_follow_from_the_generator(sampler: str, objective: str) -> None:
    method, bound = short(sampler), untrained(objective)
    x = method.sample(*bound, 3, seeded())
    assert x.shape == (3, 64)
    assert bool(torch.isfinite(x).all())
    assert not x.requires_grad
    assert torch.equal(x, method.sample(*bound, 3, seeded()))
    assert torch.equal(x, method.trajectory(*bound, 3, seeded())[-1])


@pytest.mark.parametrize(("sampler", "objective"), [pair for pair in PAIRS if not admitted(*pair)])
def test_a_refusal_names_the_sampler_and_the_objective(sampler: str, objective: str) -> None:
    with pytest.raises(Incompatible, match=f"{sampler}.*{objective}"):
        short(sampler).sample(*untrained(objective), 3, seeded())


@pytest.mark.parametrize("sampler", WALKS)
def test_a_walk_needs_an_energy_and_says_which_objectives_have_one(sampler: str) -> None:
    with pytest.raises(Incompatible, match=r"'elbo' learns none.*ancestral.*deen, uvb"):
        short(sampler).check(Elbo())


def test_decoding_needs_latents() -> None:
    with pytest.raises(Incompatible, match=r"'deen' has none; use 'walk_jump'"):
        Ancestral().check(Deen(sigma=0.3))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_sampler_says_what_it_is_and_where_it_comes_from(sampler: str) -> None:
    assert SAMPLERS.summary(sampler)
    assert SAMPLERS.reference(sampler)
