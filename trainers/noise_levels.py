"""Noisy test data y at several noise levels, and a model's estimates x̂(y)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from trainers.corruptions import CORRUPTIONS, Corruption
from trainers.errors import Incompatible
from trainers.fields import describe_fields
from trainers.model import Model
from trainers.noise import Draw, Streams
from trainers.objectives import Objective
from trainers.registry import name_of
from trainers.trial import Trial

__all__ = ["LevelFields", "NoiseLevel", "check_levels", "estimate", "estimators", "levels_of"]

NOISES = ("gaussian", "laplace", "salt_and_pepper")
CHUNK = 250


@runtime_checkable
class LevelFields(Protocol):
    """Fields of an evaluation that runs at several levels of each kind of noise."""

    @property
    def gaussian(self) -> tuple[float, ...]: ...

    @property
    def laplace(self) -> tuple[float, ...]: ...

    @property
    def salt_and_pepper(self) -> tuple[float, ...]: ...


@dataclass(frozen=True)
class NoiseLevel:
    """One corruption; `name` is ``gaussian/0.5``."""

    noise: str
    level: float
    corruption: Corruption

    @property
    def name(self) -> str:
        return f"{self.noise}/{self.level:g}"

    def of(self, x: Float[Tensor, "batch dims"], streams: Streams) -> Float[Tensor, "batch dims"]:
        """y, in data units."""
        draw = Draw("evaluation", tuple(x.shape), self.corruption.noise)
        return self.corruption(x, streams.draw(draw, x.dtype))


def levels_of(fields: LevelFields) -> list[NoiseLevel]:
    """σ of Gaussian, α of Laplace and p of salt-and-pepper noise, in this order.

    Raises `InvalidValue` for a level outside its bounds.
    """
    return [
        NoiseLevel(noise, level, _corruption(noise, level))
        for noise in NOISES
        for level in getattr(fields, noise)
    ]


def check_levels(fields: LevelFields, trial: Trial) -> None:
    """Raise `Incompatible` if a noise is not defined for the data or a level is given twice.

    Also if there are no levels at all.
    """
    levels = levels_of(fields)
    if not levels:
        raise Incompatible(f"no noise level is left: give one of {', '.join(NOISES)}")
    data, names = trial.data, [one.name for one in levels]
    for place, one in enumerate(levels):
        if one.name in names[:place]:
            raise Incompatible(
                f"the level {one.level:g} of {one.noise} noise appears twice, and "
                "its metrics have one name: leave one out"
            )
        support = one.corruption.support
        if support and (
            data.value_range is None
            or not (support[0] <= data.value_range[0] and data.value_range[1] <= support[1])
        ):
            raise Incompatible(
                f"{one.noise} noise is for data in {support}, and {name_of(data)!r} "
                f"has the range {data.value_range or 'ℝ'}; set "
                f"`{one.noise}: []`"
            )


def estimators(objective: Objective, model: Model) -> tuple[str, ...]:
    """The names of the estimators of x that a model has; the papers use the first.

    ``sample``: with latent noise (one z ~ q(z|y) of a VAE); ``mean``: from the posterior mean of
    the latents; ``exact``: the only one of a model without latents.
    """
    return ("sample", "mean") if objective.denoise_draws(model, 1) else ("exact",)


def estimate(
    objective: Objective,
    model: Model,
    y: Float[Tensor, "batch dims"],
    streams: Streams,
    estimator: str,
) -> Float[Tensor, "batch dims"]:
    """x̂(y), in data units; the latent noise of ``sample`` comes from `streams`."""
    parts = []
    for part in torch.split(y, CHUNK):
        draws = objective.denoise_draws(model, len(part)) if estimator == "sample" else {}
        noise = {name: streams.draw(draw, y.dtype) for name, draw in draws.items()}
        parts.append(objective.denoise(model, part, noise or None))
    return torch.cat(parts)


def _corruption(noise: str, level: float) -> Corruption:
    kind = CORRUPTIONS[noise]
    (field,) = describe_fields(kind)
    return kind(**{field.name: level})
