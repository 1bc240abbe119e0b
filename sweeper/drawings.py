"""Pictures of a trained model: what it samples, and what it makes of noisy test images."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sweeper.complaints import nearest, unknown_key
from sweeper.errors import UserError
from sweeper.fieldtypes import describe_type
from sweeper.trained import TrainedTrial
from trainers import datasets
from trainers.corruptions import CORRUPTIONS, Corruption, FromData, Learnable
from trainers.energies import EnergyBased
from trainers.errors import Incompatible, InvalidValue, TrainerError
from trainers.evaluations import first_examples, mean_and_error
from trainers.fields import Field, describe_fields, substitute
from trainers.gallery import pictures
from trainers.noise import Draw, Streams
from trainers.noise_levels import estimate, estimators
from trainers.samplers import SAMPLERS, Sampler
from trainers.samplers.nebula import Nebula
from trainers.threads import one_thread

__all__ = ["Drawing", "draw_denoised", "draw_samples", "make_noise", "make_sampler"]

Images = npt.NDArray[np.uint8]
CPU = torch.device("cpu")
CHAINS, GRID = 10, 64
LONGEST = 20
DECODED = {"sample": "x̂(y) from one sample z ~ q(z|y)", "mean": "x̂(y) from the posterior mean"}
BY_ENERGY = {"sample": "x̂(y) = y − σ²∇f(y), latents drawn",
             "mean": "x̂(y) = y − σ²∇f(y), latents at their mean",
             "exact": "x̂(y) = y − σ²∇f(y)"}


@dataclass(frozen=True)
class Drawing:
    """Rows of images (n, C, H, W), what each row shows, and how near it is to the clean images.

    `name` tells drawings of one trial apart: two with one name are the same picture. `loss` maps
    a caption to the mean of ‖x − x̂‖² over the examples shown, in squared data units.
    """

    name: str
    rows: Sequence[Images]
    captions: Sequence[str]
    loss: Mapping[str, float] = field(default_factory=dict)


def make_sampler(trained: TrainedTrial, name: str | None, given: Sequence[str]) -> Sampler:
    """The sampler called `name` with ``field=value`` texts; by default the one for the model.

    Raises `UserError` for what is unknown, and for what a model cannot do, with what it can.
    """
    fitting = "walk_jump" if isinstance(trained.objective, EnergyBased) else "ancestral"
    name = name or fitting
    if name not in SAMPLERS:
        raise UserError(f"unknown sampler {name!r}{nearest(name, SAMPLERS)} "
                        f"(known: {', '.join(SAMPLERS)})")
    fields = {one.name: one for one in describe_fields(SAMPLERS[name])}
    try:
        sampler = SAMPLERS.build({"name": name} | dict(_value(fields, text) for text in given))
        sampler.check(trained.objective)
    except (Incompatible, InvalidValue) as error:
        raise UserError(f"{trained.label}: {error}") from error
    return sampler


def draw_samples(trained: TrainedTrial, sampler: Sampler, count: int | None,
                 seed: int) -> Drawing:
    """Samples in a square, or one row a chain where the sampler passes through few pictures."""
    walks = sampler.name == "walk_jump"
    count = count or (CHAINS if walks else GRID)
    generator = torch.Generator().manual_seed(seed)
    draw = sampler.trajectory if walks else sampler.sample
    try:
        with one_thread(CPU):
            found = draw(trained.objective, trained.model, count, generator)
    except TrainerError as error:
        raise UserError(f"{trained.label}: {error}") from error
    name = "-".join([sampler.name, *_settings(sampler), str(count), f"seed{seed}"])
    if not walks:
        return Drawing(f"sample-{name}", _square(_images(found, trained)), [sampler.name])
    rows = [_images(chain[:LONGEST], trained) for chain in found.transpose(0, 1)]
    return Drawing(f"sample-{name}", rows, ["one chain a row, jumps in the order of time"])


def make_noise(trained: TrainedTrial, text: str | None) -> tuple[str, Corruption]:
    """The noise that ``gaussian:0.9`` means, and its name; by default what the model is about.

    Raises `UserError` for unknown noises, levels outside their bounds and data out of range.
    """
    if text is None:
        return "own", trained.objective.noise_model(trained.model)
    name, _, level = text.partition(":")
    known = [one for one in CORRUPTIONS if not issubclass(CORRUPTIONS[one], Learnable)]
    if name not in known:
        raise UserError(f"unknown noise {name!r}{nearest(name, known)} (known: "
                        f"{', '.join(known)}; write gaussian:0.9)")
    fld, = describe_fields(CORRUPTIONS[name])
    try:
        corruption = CORRUPTIONS[name](**{fld.name: float(level)})
    except ValueError as error:
        rule = error if isinstance(error, InvalidValue) else "it needs a level"
        raise UserError(f"the noise {text!r} cannot be made: {rule}; write {name}:0.1 for "
                        f"{fld.name} = 0.1") from error
    low, high = trained.trial.data.value_range or (-math.inf, math.inf)
    support = corruption.support or (low, high)
    if low < support[0] or high > support[1]:
        raise UserError(f"{name} noise is for data in {support}, and {trained.trial.data.name} "
                        f"has the range {(low, high)}; use gaussian or laplace")
    return text.replace(":", "-"), corruption


def draw_denoised(trained: TrainedTrial, noise: str | None, count: int, seed: int) -> Drawing:
    """The first test images, noisy ones, and the estimates x̂(y) in every way that there is."""
    name, corruption = make_noise(trained, noise)
    try:
        with torch.no_grad(), one_thread(CPU):
            rows = _denoise(trained, corruption, count, seed)
    except TrainerError as error:
        raise UserError(f"{trained.label}: {error}") from error
    clean = rows["clean"]
    loss = {caption: mean_and_error((clean - values).square().sum(-1))[0]
            for caption, values in rows.items() if values is not clean}
    return Drawing(f"denoise-{name}-{len(clean)}-seed{seed}",
                   [_images(values, trained) for values in rows.values()], list(rows), loss)


def _denoise(trained: TrainedTrial, corruption: Corruption, count: int,
             seed: int) -> dict[str, Tensor]:
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


def _images(values: Tensor, trained: TrainedTrial) -> Images:
    return pictures(values, trained.trial)


def _square(images: Images) -> list[Images]:
    """Rows of equal length, white where there is no image."""
    columns = math.ceil(math.sqrt(len(images)))
    missing = -len(images) % columns
    full = np.concatenate([images, np.full((missing, *images.shape[1:]), 255, images.dtype)])
    return list(full.reshape(-1, columns, *images.shape[1:]))


def _settings(sampler: Sampler) -> list[str]:
    """The fields that are not at their defaults, for a file's name."""
    return [f"{one.name}{getattr(sampler, one.name)}" for one in describe_fields(type(sampler))
            if getattr(sampler, one.name) != one.default]


def _value(fields: Mapping[str, Field], text: str) -> tuple[str, Any]:
    """Read ``delta=0.1``: the field's name and its value."""
    name, sign, raw = text.partition("=")
    if not sign or name not in fields:
        raise UserError(unknown_key(name, fields) if sign else
                        f"{text!r} must be FIELD=VALUE (fields: {', '.join(fields)})")
    kind, choices = fields[name].type, get_args(fields[name].type)
    try:
        value = raw if choices else kind(raw)
    except ValueError as error:
        raise UserError(f"{name} must be a {describe_type(kind)}, and is {raw!r}") from error
    if choices and value not in choices:
        raise UserError(f"{name} must be one of {', '.join(choices)}, and is {raw!r}")
    return name, value
