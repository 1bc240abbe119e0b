"""What every objective, network, likelihood and corruption must do; new ones are found by name."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from tests.trainers.conformance import combinations, label, with_other_numbers
from trainers import Pack, Trial, datasets
from trainers.metrics import metric_names
from trainers.noise import Streams
from trainers.optim import Adam
from trainers.trial import PARTS

TRIALS = list(combinations())
every_trial = pytest.mark.parametrize("trial", TRIALS, ids=label)
LOSSES = {
    (trial.objective.name, trial.likelihood and trial.likelihood.name, trial.corrupts): trial
    for trial in TRIALS
}
every_loss = pytest.mark.parametrize("trial", LOSSES.values(), ids=label)


def fixed_loss(pack: Pack, params: dict[str, Tensor]) -> Tensor:
    """The loss on one batch with fixed noise, as a function of the parameters."""
    trial, (_, model) = pack.trials[0], pack.bind(0)
    objective, bound = trial.bind(model.parts, params, {})
    splits, streams = datasets.load(trial.data), Streams(0, 0)
    x = splits.train.x[:64].double() / splits.scale
    noise = {
        name: streams.draw(draw, torch.float64)
        for name, draw in objective.draws(bound, len(x)).items()
    }
    loss, _ = objective.loss(bound, x, noise)
    return loss


def test_every_component_takes_part() -> None:
    """No objective, network, likelihood or corruption is left out of this suite."""
    for kind in ("objective", "network", "likelihood", "corruption"):
        used = {part.name for trial in TRIALS if (part := getattr(trial, kind)) is not None}
        assert used == set(PARTS[kind])


@every_trial
def test_a_small_step_down_the_finite_gradient_lowers_the_loss(trial: Trial) -> None:
    pack = Pack([trial])
    params = {name: value.requires_grad_() for name, value in pack.bind(0)[1].params.items()}
    loss = fixed_loss(pack, params)
    gradients = torch.autograd.grad(
        loss, list(params.values()), allow_unused=True, materialize_grads=True
    )
    norm = math.sqrt(sum(float(g.square().sum()) for g in gradients))
    assert math.isfinite(norm)
    assert norm > 0
    step = 1e-6 / norm
    with torch.no_grad():
        moved = {
            name: value - step * g
            for (name, value), g in zip(params.items(), gradients, strict=True)
        }
    drop = float(loss.detach()) - float(fixed_loss(pack, moved))
    assert drop == pytest.approx(step * norm**2, rel=1e-2)


@every_trial
def test_a_step_of_training_lowers_the_loss_by_what_adam_promises(trial: Trial) -> None:
    """Adam's first step is lr·g/(|g| + ε), so a small one gains lr·Σ g²/(|g| + ε)."""
    lr, eps = 1e-8, 1e-8
    pack = Pack([trial])
    params = {name: value.requires_grad_() for name, value in pack.bind(0)[1].params.items()}
    loss = fixed_loss(pack, params)
    gradients = torch.autograd.grad(
        loss, list(params.values()), allow_unused=True, materialize_grads=True
    )
    gain = lr * sum(float((g.square() / (g.abs() + eps)).sum()) for g in gradients)
    adam = Adam(params, torch.tensor(lr, dtype=torch.float64), torch.tensor(eps))
    adam.step(gradients)
    drop = float(loss.detach()) - float(fixed_loss(pack, params).detach())
    assert drop == pytest.approx(gain, rel=1e-2)


@every_trial
def test_a_pack_gives_each_member_what_it_would_get_alone(trial: Trial) -> None:
    trials = [trial, with_other_numbers(trial)]
    pack, alone = Pack(trials), Pack(trials[1:])
    for _ in range(2):
        together, apart = pack.run_epoch()[1].metrics, alone.run_epoch()[0].metrics
    assert together == pytest.approx(apart, rel=1e-7, abs=1e-9)
    assert all(math.isfinite(value) for value in apart.values())
    for name, value in alone.weights(0).items():
        torch.testing.assert_close(pack.weights(1)[name], value, rtol=1e-6, atol=1e-8)


@every_trial
def test_going_on_from_a_state_gives_the_undisturbed_result_bit_for_bit(trial: Trial) -> None:
    through, stopped, resumed = Pack([trial]), Pack([trial]), Pack([trial])
    for _ in range(2):
        last = through.run_epoch()[0].metrics
    stopped.run_epoch()
    resumed.restore([stopped.state(0)], epoch=1)
    assert resumed.run_epoch()[0].metrics == last
    assert set(last) == metric_names(trial), "what is known before the training"
    assert all(
        torch.equal(value, resumed.state(0)[name]) for name, value in through.state(0).items()
    )


@every_loss
def test_the_loss_and_its_parts_are_means_over_examples(trial: Trial) -> None:
    """The same examples twice, with the same noise, change nothing; Adam would not show it."""
    objective, model = Pack([trial]).bind(0)
    splits, streams = datasets.load(trial.data), Streams(0, 0)
    x = splits.train.x[:6].double() / splits.scale
    noise = {
        name: streams.draw(draw, torch.float64)
        for name, draw in objective.draws(model, len(x)).items()
    }
    twice = {name: torch.cat([value, value], -2) for name, value in noise.items()}
    once, again = objective.loss(model, x, noise), objective.loss(model, x.repeat(2, 1), twice)
    torch.testing.assert_close(again, once, rtol=1e-10, atol=1e-12)


@every_loss
def test_every_noise_comes_from_a_stream_of_its_own(trial: Trial) -> None:
    """Training's noise from one stream each, and none of it in tests: they are always alike."""
    objective, model = trial.bind(dict(trial.build_modules()), {}, {})
    trained = [draw.stream for draw in objective.draws(model, 3).values()]
    assert len(trained) == len(set(trained))
    assert not {"evaluation", "order", "data", "init"} & set(trained)
    asked = [*objective.test_draws(model, 3).values(), *objective.denoise_draws(model, 3).values()]
    assert {draw.stream for draw in asked} <= {"evaluation"}


@every_trial
def test_denoising_keeps_the_shape_and_the_range(trial: Trial) -> None:
    pack = Pack([trial])
    objective, model = pack.bind(0)
    y = torch.rand(5, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    xhat = objective.denoise(model, y)
    assert xhat.shape == y.shape
    assert bool(torch.isfinite(xhat).all())
