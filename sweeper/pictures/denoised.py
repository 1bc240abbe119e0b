"""A picture of noisy test images and a trained model's denoised estimates."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from sweeper.errors import UserError
from sweeper.grid.complaints import nearest
from sweeper.pictures.drawings import Drawing, images
from sweeper.status.trained import TrainedTrial
from trainers import datasets
from trainers.corruptions import CORRUPTIONS, Corruption, FromData, Learnable
from trainers.energies import EnergyBased
from trainers.errors import InvalidValue, TrainerError
from trainers.evaluations import first_examples, mean_and_error
from trainers.fields import describe_fields, substitute
from trainers.noise import Draw, Streams
from trainers.noise_levels import estimate, estimators
from trainers.registry import name_of
from trainers.samplers.nebula import Nebula
from trainers.threads import one_thread

__all__ = ["draw_denoised", "make_noise"]

CPU = torch.device("cpu")
DECODED = {"sample": "x̂(y) from one sample z ~ q(z|y)", "mean": "x̂(y) from the posterior mean"}
BY_ENERGY = {
    "sample": "x̂(y) = y − σ²∇f(y), latents drawn",
    "mean": "x̂(y) = y − σ²∇f(y), latents at their mean",
    "exact": "x̂(y) = y − σ²∇f(y)",
}


def make_noise(trained: TrainedTrial, text: str | None) -> tuple[str, Corruption]:
    """The name and the corruption of a noise such as ``gaussian:0.9`` (default: the model's).

    Raises `UserError` for unknown noises, levels outside their bounds, and noises that are not
    defined for the range of the data.
    """
    if text is None:
        return "own", trained.objective.noise_model(trained.model)
    name, _, level = text.partition(":")
    known = [one for one in CORRUPTIONS if not issubclass(CORRUPTIONS[one], Learnable)]
    if name not in known:
        raise UserError(
            f"unknown noise {name!r}{nearest(name, known)} (known: "
            f"{', '.join(known)}; write gaussian:0.9)"
        )
    (fld,) = describe_fields(CORRUPTIONS[name])
    try:
        corruption = CORRUPTIONS[name](**{fld.name: float(level)})
    except ValueError as error:
        rule = error if isinstance(error, InvalidValue) else "it needs a level"
        raise UserError(
            f"the noise {text!r} cannot be made: {rule}; write {name}:0.1 for {fld.name} = 0.1"
        ) from error
    low, high = trained.trial.data.value_range or (-math.inf, math.inf)
    support = corruption.support or (low, high)
    if low < support[0] or high > support[1]:
        raise UserError(
            f"{name} noise is for data in {support}, and {name_of(trained.trial.data)} "
            f"has the range {(low, high)}; use gaussian or laplace"
        )
    return text.replace(":", "-"), corruption


def draw_denoised(trained: TrainedTrial, noise: str | None, count: int, seed: int) -> Drawing:
    """The first test images, noisy ones, and the estimates x̂(y) by each of its estimators."""
    name, corruption = make_noise(trained, noise)
    try:
        with torch.no_grad(), one_thread(CPU):
            rows = _denoise(trained, corruption, count, seed)
    except TrainerError as error:
        raise UserError(f"{trained.label}: {error}") from error
    clean = rows["clean"]
    loss = {
        caption: mean_and_error((clean - values).square().sum(-1))[0]
        for caption, values in rows.items()
        if values is not clean
    }
    return Drawing(
        f"denoise-{name}-{len(clean)}-seed{seed}",
        [images(values, trained) for values in rows.values()],
        list(rows),
        loss,
        trained.trial.data.value_range,
    )


def _denoise(
    trained: TrainedTrial, corruption: Corruption, count: int, seed: int
) -> dict[str, Tensor]:
    objective, model = trained.objective, trained.model
    x, _ = first_examples(trained.trial, model, count)
    if isinstance(corruption, FromData):
        found = corruption.statistics(datasets.load(trained.trial.data))
        corruption = substitute(corruption, {key: value.to(x) for key, value in found.items()})
    streams = Streams(seed, 0)
    y = corruption(x, streams.draw(Draw("evaluation", tuple(x.shape), corruption.noise), x.dtype))
    rows = {"clean": x, "noisy": y}
    captions = BY_ENERGY if isinstance(objective, EnergyBased) else DECODED
    for way in estimators(objective, model):
        rows[captions[way]] = estimate(objective, model, y, streams, way)
    if isinstance(objective, EnergyBased):
        generator = streams.generator("evaluation")
        rows["x̂(x̂(y)), two-step NEBULA"] = Nebula().descend(objective, model, y, generator)[-1]
    return rows
