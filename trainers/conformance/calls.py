"""What the parts of a model must do with one batch: rules that cost little, at any size."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from trainers.conformance import require
from trainers.conformance.bench import Bench, untrained
from trainers.noise import Draw, Streams
from trainers.trial import Trial

__all__ = ["RULES"]

IN_TRAINING = ("latent", "corruption")
LOSS = ("objective", "loss")
BUILD = ("network", "build")


def networks_give_what_they_promise(trial: Trial) -> None:
    bench = untrained(trial)
    batch, dims = bench.x.shape
    if trial.network.kind == "energy":
        found = list(bench.model.energy(bench.x).shape)
        require(
            found == [batch],
            BUILD,
            "the module `energy` gives one number an example",
            f"of {batch} examples it gives {found}",
            "end with a layer of one output, and take that axis away",
        )
        return
    mean, log_var = bench.model.encode(bench.x)
    wanted = [batch, bench.model.d_z]
    require(
        list(mean.shape) == list(log_var.shape) == wanted,
        BUILD,
        f"the module `encoder` gives mean and log-variance, each [batch, d_z] = {wanted}",
        f"it gives {list(mean.shape)} and {list(log_var.shape)}",
        "end with two layers of `d_z` outputs",
    )
    wanted = [batch, trial.likelihood.outputs if trial.likelihood else 1, dims]
    found = list(bench.model.decode(mean).shape)
    require(
        found == wanted,
        BUILD,
        f"the module `decoder` gives [batch, outputs, dims] = {wanted}",
        f"it gives {found}",
        "end with a layer of outputs x dims numbers, reshaped",
    )


def likelihoods_give_a_number_an_example(trial: Trial) -> None:
    if trial.likelihood is None:
        return
    bench = untrained(trial)
    like, readout = bench.model.observation, bench.model.network.readout
    u = _decoded(bench)
    xhat = like.mean(u, readout)
    found = {
        "mean": (xhat, list(bench.x.shape)),
        "log_prob": (like.log_prob(bench.x, u, readout), [len(bench.x)]),
        "distance": (like.distance(bench.x, xhat), [len(bench.x)]),
        "constant": (torch.as_tensor(like.constant(bench.x.shape[1])), []),
    }
    for member, (value, wanted) in found.items():
        require(
            list(value.shape) == wanted and bool(torch.isfinite(value).all()),
            ("likelihood", member),
            f"`{member}` of {len(bench.x)} examples is finite numbers of the shape {wanted}",
            f"it is {list(value.shape)}, and {int((~torch.isfinite(value)).sum())} are not finite",
            "sum over the last axis, the dimensions of an example, and over no other",
        )


def _decoded(bench: Bench) -> Tensor:
    """What the decoder puts out at the means of the examples' codes."""
    return bench.model.decode(bench.model.encode(bench.x)[0])


def far_examples_are_less_likely(trial: Trial) -> None:
    """Than the mean: a log density whose sign is wrong is larger there."""
    if trial.likelihood is None:
        return
    bench = untrained(trial)
    like, readout = bench.model.observation, bench.model.network.readout
    u = _decoded(bench)
    near = like.mean(u, readout)
    if like.support is None:
        far = near + 100
    else:
        low, high = like.support
        far = torch.where(near < (low + high) / 2, high, low)
    require(
        bool((like.log_prob(far, u, readout) < like.log_prob(near, u, readout)).all()),
        ("likelihood", "log_prob"),
        "an example far from the mean is less likely than the mean",
        "it is as likely or more",
        "return the logarithm of a density, and not a loss",
    )


def corruptions_keep_shape_and_range(trial: Trial) -> None:
    bench = untrained(trial)
    if bench.model.corruption is None:
        return
    draw = Draw("corruption", tuple(bench.x.shape), bench.model.corruption.noise)
    y = bench.model.corrupt(bench.x, bench.noise({"y": draw})["y"])
    low, high = bench.model.corruption.support or (-math.inf, math.inf)
    require(
        y.shape == bench.x.shape
        and bool(torch.isfinite(y).all())
        and low <= float(y.min())
        and float(y.max()) <= high,
        ("corruption", "__call__"),
        f"the corrupted examples have the shape {list(bench.x.shape)} and lie in support = "
        f"{bench.model.corruption.support}",
        f"they are {list(y.shape)} and go from {float(y.min()):g} to {float(y.max()):g}",
        "mend `__call__`, or `support`",
    )


def noise_comes_from_declared_streams(trial: Trial) -> None:
    """Training's noise from one stream each, and none of it in tests: they are always alike."""
    bench = untrained(trial)
    trained = [draw.stream for draw in bench.objective.draws(bench.model, 3).values()]
    require(
        len(trained) == len(set(trained)) and set(trained) <= set(IN_TRAINING),
        ("objective", "draws"),
        f"`draws` takes each noise from another of the streams {', '.join(IN_TRAINING)}",
        f"it takes {', '.join(trained)}",
        "write Draw('latent', ...) or Draw('corruption', ...)",
    )
    for member in ("test_draws", "denoise_draws"):
        asked = {draw.stream for draw in getattr(bench.objective, member)(bench.model, 3).values()}
        require(
            asked <= {"evaluation"},
            ("objective", member),
            f"`{member}` takes its noise from the stream evaluation",
            f"it takes it from {', '.join(sorted(asked))}",
            "write Draw('evaluation', ...)",
        )


def losses_depend_on_their_noise_alone(trial: Trial) -> None:
    bench = untrained(trial)
    draws = bench.objective.draws(bench.model, len(bench.x))
    noise, other = bench.noise(draws), bench.noise(draws, seed=1)
    first, again = bench.loss(noise), bench.loss(noise)
    require(
        first.ndim == 0 and bool(torch.isfinite(first)),
        LOSS,
        "the loss of a batch is one finite number",
        f"it is {first.tolist()}",
        "take the mean over the examples of the batch",
    )
    require(
        torch.equal(first, again),
        LOSS,
        "`loss` draws no noise of its own: equal arguments give an equal loss",
        f"two calls gave {float(first):.9g} and {float(again):.9g}",
        "declare what is drawn in `draws`, and take it from the argument `noise`",
    )
    for name in draws:
        changed = bench.loss({**noise, name: other[name]})
        require(
            not torch.equal(first, changed),
            LOSS,
            f"`loss` uses the noise {name!r} that `draws` declares",
            f"with other noise it stays {float(first):.9g}",
            f"use noise[{name!r}] in `loss`, or leave it out of `draws`",
        )


def metrics_of_a_test_are_numbers_an_example(trial: Trial) -> None:
    bench = untrained(trial)
    noise = bench.noise(bench.objective.test_draws(bench.model, len(bench.x)))
    for name, value in bench.objective.test(bench.model, bench.x, noise).items():
        require(
            list(value.shape) == [len(bench.x)] and bool(torch.isfinite(value).all()),
            ("objective", "test"),
            f"the test metric {name!r} is one finite number an example",
            f"of {len(bench.x)} examples it is {list(value.shape)}",
            "take no mean over the batch in `test`",
        )


def denoising_keeps_the_shape(trial: Trial) -> None:
    bench = untrained(trial)
    y = Streams(0, 0).draw(Draw("evaluation", tuple(bench.x.shape), "uniform"), bench.x.dtype)
    xhat = bench.objective.denoise(bench.model, y)
    require(
        xhat.shape == y.shape and bool(torch.isfinite(xhat).all()),
        ("objective", "denoise"),
        f"`denoise` gives finite examples of the shape {list(y.shape)}",
        f"it gives {list(xhat.shape)}",
        "return one estimate for each example",
    )


RULES: tuple[Callable[[Trial], None], ...] = (
    networks_give_what_they_promise,
    likelihoods_give_a_number_an_example,
    far_examples_are_less_likely,
    corruptions_keep_shape_and_range,
    noise_comes_from_declared_streams,
    losses_depend_on_their_noise_alone,
    metrics_of_a_test_are_numbers_an_example,
    denoising_keeps_the_shape,
)
