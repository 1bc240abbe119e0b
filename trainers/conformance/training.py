"""What must hold when a small trial is trained: gradients, packs and resuming."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from trainers.conformance import require
from trainers.conformance.bench import Bench, untrained
from trainers.conformance.examples import with_other_numbers
from trainers.metrics import metric_names
from trainers.optim import Adam
from trainers.pack import Pack
from trainers.trial import Trial

__all__ = ["RULES", "losses_are_means_over_examples"]

LOSS = ("objective", "loss")
BY_ITSELF = "compute each example by itself: no statistics over the batch or over other models"
NO_STATE = "keep nothing between two calls, in the component or in its modules"


def losses_are_means_over_examples(trial: Trial) -> None:
    """The same examples twice, with the same noise, change nothing; Adam would not show it."""
    bench = untrained(trial)
    noise = bench.noise(bench.objective.draws(bench.model, len(bench.x)))
    twice = {name: torch.cat([value, value], -2) for name, value in noise.items()}
    once, parts = bench.objective.loss(bench.model, bench.x, noise)
    again, doubled = bench.objective.loss(bench.model, bench.x.repeat(2, 1), twice)
    for name, one in {"loss": once, **parts}.items():
        other = doubled.get(name, again)
        require(
            bool(torch.isclose(one, other, rtol=1e-10, atol=1e-12)),
            LOSS,
            f"{name!r} is a mean over the examples: each of them twice changes nothing",
            f"it goes from {float(one):.9g} to {float(other):.9g}",
            "end with .mean() over the batch, not with .sum()",
        )


def gradients_are_finite_and_lead_downhill(trial: Trial) -> None:
    bench, params, gradients = _with_gradients(trial)
    norm = math.sqrt(sum(float(one.square().sum()) for one in gradients))
    require(
        math.isfinite(norm) and norm > 0,
        LOSS,
        "the gradient of the loss is finite and not zero",
        f"its norm is {norm}",
        "use differentiable operations, and no logarithm or square root of what may be zero",
    )
    step = 1e-6 / norm
    moved = {
        name: value.detach() - step * one
        for (name, value), one in zip(params.items(), gradients, strict=True)
    }
    drop = _value_at(bench, params) - _value_at(bench, moved)
    _promised(drop, step * norm**2, "a small step down the gradient lowers the loss")


def a_step_of_training_lowers_the_loss(trial: Trial) -> None:
    """Adam's first step is lr·g/(|g| + ε), so a small one gains lr·Σ g²/(|g| + ε)."""
    lr, eps = 1e-8, 1e-8
    bench, params, gradients = _with_gradients(trial)
    before = _value_at(bench, params)
    gain = lr * sum(float((g.square() / (g.abs() + eps)).sum()) for g in gradients)
    adam = Adam(params, torch.tensor(lr, dtype=torch.float64), torch.tensor(eps))
    adam.step(gradients)
    _promised(before - _value_at(bench, params), gain, "a step of Adam lowers the loss")


def a_pack_gives_each_member_what_it_would_get_alone(trial: Trial) -> None:
    trials = [trial, with_other_numbers(trial)]
    pack, alone = Pack(trials), Pack(trials[1:])
    for _ in range(2):
        together, apart = pack.run_epoch()[1].metrics, alone.run_epoch()[0].metrics
    for name, value in apart.items():
        require(
            math.isfinite(value),
            LOSS,
            f"the metric {name!r} stays finite in two epochs of training",
            f"it is {value}",
            "keep logarithms and divisions away from zero",
        )
        require(
            math.isclose(together[name], value, rel_tol=1e-7, abs_tol=1e-9),
            LOSS,
            "a member of a pack gets what it would get alone",
            f"{name} is {together[name]:.9g} in a pack of two and {value:.9g} alone",
            BY_ITSELF,
        )
    weights = pack.weights(1)
    apart_by = max(float((weights[name] - w).abs().max()) for name, w in alone.weights(0).items())
    require(
        all(
            torch.allclose(weights[name], value, rtol=1e-6, atol=1e-8)
            for name, value in alone.weights(0).items()
        ),
        LOSS,
        "a member of a pack gets the weights that it would get alone",
        f"they differ by up to {apart_by:.2g}",
        BY_ITSELF,
    )


def going_on_from_a_state_is_bit_equal(trial: Trial) -> None:
    through, stopped, resumed = Pack([trial]), Pack([trial]), Pack([trial])
    for _ in range(2):
        last = through.run_epoch()[0].metrics
    stopped.run_epoch()
    resumed.restore([stopped.state(0)], epoch=1)
    again, state = resumed.run_epoch()[0].metrics, resumed.state(0)
    differ = [name for name, value in last.items() if again.get(name) != value]
    differ += [
        name for name, value in through.state(0).items() if not torch.equal(value, state[name])
    ]
    require(
        not differ,
        LOSS,
        "going on from a checkpoint gives the undisturbed result bit for bit",
        f"{', '.join(differ[:4])} came out otherwise",
        NO_STATE,
    )
    known = metric_names(trial)
    require(
        set(last) == known,
        ("objective", "test"),
        f"the metrics are those that are known before the training ({', '.join(sorted(known))})",
        f"they are {', '.join(sorted(last))}",
        "give `loss` and `test` the same metrics in every epoch",
    )


def _with_gradients(trial: Trial) -> tuple[Bench, dict[str, Tensor], tuple[Tensor, ...]]:
    bench = untrained(trial, batch=64)
    params = {name: value.clone().requires_grad_() for name, value in bench.model.params.items()}
    loss = _loss_at(bench, params)
    require(
        loss.requires_grad,
        LOSS,
        "the loss depends on the parameters",
        "no gradient reaches them",
        "compute it with the model's methods, without .detach(), .item() or torch.no_grad()",
    )
    gradients = torch.autograd.grad(
        loss, list(params.values()), allow_unused=True, materialize_grads=True
    )
    return bench, params, gradients


def _loss_at(bench: Bench, params: Mapping[str, Tensor]) -> Tensor:
    """The loss on one batch with fixed noise, as a function of the parameters."""
    return replace(bench, model=replace(bench.model, params=params)).loss()


def _value_at(bench: Bench, params: Mapping[str, Tensor]) -> float:
    return float(_loss_at(bench, params).detach())


def _promised(drop: float, gain: float, rule: str) -> None:
    require(
        math.isclose(drop, gain, rel_tol=1e-2),
        LOSS,
        f"{rule} by what the gradient promises ({gain:.3g})",
        f"it falls by {drop:.3g}",
        "let the gradient through all of the loss: no .detach(), no .item(), no rounding",
    )


RULES: tuple[Callable[[Trial], None], ...] = (
    losses_are_means_over_examples,
    gradients_are_finite_and_lead_downhill,
    a_step_of_training_lowers_the_loss,
    a_pack_gives_each_member_what_it_would_get_alone,
    going_on_from_a_state_is_bit_equal,
)
