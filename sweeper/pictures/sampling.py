"""Samples of a trained model, as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import torch

from sweeper.errors import UserError
from sweeper.grid.complaints import nearest, unknown_key
from sweeper.grid.fieldtypes import describe_type
from sweeper.pictures.drawings import Drawing
from sweeper.status.trained import TrainedTrial
from trainers.errors import Incompatible, InvalidValue, TrainerError
from trainers.evaluations.samples import CHAINS, GRID, picture
from trainers.fields import Field, describe_fields
from trainers.registry import name_of
from trainers.samplers import SAMPLERS, Sampler, fitting_sampler
from trainers.threads import one_thread

__all__ = ["draw_samples", "make_sampler"]

CPU = torch.device("cpu")


def make_sampler(trained: TrainedTrial, name: str | None, given: Sequence[str]) -> Sampler:
    """The sampler `name` (default: the one for the model), with fields given as ``field=value``.

    Raises `UserError` for unknown samplers and fields, and for a sampler that the model does not
    support, with those that it does.
    """
    name = name or fitting_sampler(trained.objective)
    if name not in SAMPLERS:
        raise UserError(
            f"unknown sampler {name!r}{nearest(name, SAMPLERS)} (known: {', '.join(SAMPLERS)})"
        )
    fields = {one.name: one for one in describe_fields(SAMPLERS[name])}
    try:
        sampler = SAMPLERS.build(
            {"name": name} | dict(_value(name, fields, text) for text in given)
        )
        sampler.check(trained.objective)
    except (Incompatible, InvalidValue) as error:
        raise UserError(f"{trained.label}: {error}") from error
    return sampler


def draw_samples(trained: TrainedTrial, sampler: Sampler, count: int | None, seed: int) -> Drawing:
    """Samples in a square, or for walk-jump sampling a row per chain with at most 20 jumps."""
    generator = torch.Generator().manual_seed(seed)
    try:
        with one_thread(CPU):
            rows = picture(
                sampler, trained.trial, (trained.objective, trained.model), count or 0, generator
            )
    except TrainerError as error:
        raise UserError(f"{trained.label}: {error}") from error
    walks = name_of(sampler) == "walk_jump"
    shown = count or (CHAINS if walks else GRID)
    name = "-".join([name_of(sampler), *_settings(sampler), str(shown), f"seed{seed}"])
    caption = "one chain a row, jumps in the order of time" if walks else name_of(sampler)
    return Drawing(f"sample-{name}", list(rows), [caption], ends=trained.trial.data.value_range)


def _settings(sampler: Sampler) -> list[str]:
    """The fields that differ from their defaults, as parts of a file name."""
    return [
        f"{one.name}{getattr(sampler, one.name)}"
        for one in describe_fields(type(sampler))
        if getattr(sampler, one.name) != one.default
    ]


def _value(sampler: str, fields: Mapping[str, Field], text: str) -> tuple[str, Any]:
    """Parse a text such as ``delta=0.1``: the field's name and its value."""
    if not fields:
        raise UserError(
            f"the sampler {sampler!r} has no field to set, and --set is {text!r}; "
            "choose another with --sampler, or leave --set out"
        )
    name, sign, raw = text.partition("=")
    if not sign or name not in fields:
        raise UserError(
            unknown_key(name, fields)
            if sign
            else f"{text!r} must be FIELD=VALUE (fields: {', '.join(fields)})"
        )
    kind, choices = fields[name].type, get_args(fields[name].type)
    try:
        value = raw if choices else kind(raw)
    except ValueError as error:
        raise UserError(f"{name} must be a {describe_type(kind)}, not {raw!r}") from error
    if choices and value not in choices:
        raise UserError(f"{name} must be one of {', '.join(choices)}, not {raw!r}")
    return name, value
