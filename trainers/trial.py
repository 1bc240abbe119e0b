"""A trial: everything that determines one trained model."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from trainers import datasets
from trainers.corruptions import CORRUPTIONS, Corruption, FromData, Learnable
from trainers.datasets import DATASETS, Dataset, Splits
from trainers.errors import Incompatible
from trainers.fields import (
    Component,
    Count,
    Field,
    Later,
    Limits,
    Scale,
    Where,
    describe_fields,
    substitute,
)
from trainers.likelihoods import LIKELIHOODS, Likelihood
from trainers.model import Model, Parameters
from trainers.networks import NETWORKS, Network
from trainers.objectives import OBJECTIVES, Objective
from trainers.registry import Registry, name_of

__all__ = ["PARTS", "Bound", "Training", "Trial"]

Bound = tuple[Objective, Model]

PARTS: dict[str, Registry[Any]] = {
    "objective": OBJECTIVES,
    "likelihood": LIKELIHOODS,
    "network": NETWORKS,
    "corruption": CORRUPTIONS,
    "data": DATASETS,
}


@dataclass(frozen=True, kw_only=True)
class Training(Component):
    """Adam at a constant rate, as in all three papers.

    Parameters
    ----------
    epochs : passes over the training data. batch_size : examples a step (the last, smaller
        batch of an epoch is left out). lr : Adam's rate. eps : Adam's ε, in units of the
        gradient; scale it with the loss where two losses differ by a factor.
    precision : ``float32``, ``float64`` or ``bfloat16`` (autocast: layers compute in bfloat16,
        parameters, sums and losses stay float32). KL and recon of the test data then agree with
        those of float32 within 3 per cent, which a test holds.
    fp32_precision : what float32 means on a GPU: ``ieee`` (all digits), ``tf32`` (products and
        convolutions round what they multiply to 10 bits of mantissa), or ``torch``, its default:
        ``tf32`` in convolutions, ``ieee`` elsewhere. Nothing on a CPU.
    deterministic : whether a GPU uses only operators that give the same bits each time, and
        refuses those that cannot. A CPU always does. Both fields are part of a trial's identity
        where they are not at their defaults; neither was measured on a GPU.
    test_every : epochs between two evaluations of the metrics on the test data, and on the
        validation data if there are any (the last epoch is always evaluated).
    checkpoint_every : epochs between two checkpoints; more on a GPU, where saving them would take
        more than a tenth of the time.
    extendable : whether a finished trial keeps Adam's moments, so that a trial with more epochs
        can continue from it. `test_every`, `checkpoint_every` and `extendable` change no result
        and are not part of a trial's identity.
    """

    epochs: Count = 20
    batch_size: Count = 32
    lr: Scale = 1e-3
    eps: Scale = 1e-8
    precision: Literal["float32", "float64", "bfloat16"] = "float32"
    fp32_precision: Annotated[Literal["torch", "ieee", "tf32"], Later()] = "torch"
    deterministic: Annotated[bool, Later()] = False
    test_every: Annotated[int, Limits(ge=1), Where()] = 1
    checkpoint_every: Annotated[int, Limits(ge=1), Where()] = 5
    extendable: Annotated[bool, Where()] = False

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of parameters, data and noise."""
        return torch.float64 if self.precision == "float64" else torch.float32


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One point of a grid with one seed.

    Raises `Incompatible` if its components cannot be combined; the message names those that can.
    """

    objective: Objective
    network: Network
    data: Dataset
    likelihood: Likelihood | None = None
    corruption: Corruption | None = None
    corrupts: Literal["input", "data"] | None = None
    training: Training = field(default_factory=Training)
    seed: int = 0

    parts: ClassVar[tuple[str, ...]] = (
        "objective",
        "likelihood",
        "network",
        "corruption",
        "data",
        "training",
    )

    def __post_init__(self) -> None:
        _check_network(self)
        _check_likelihood(self)
        _check_corruption(self)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Trial:
        """Build a trial from nested plain values: ``{"objective": {"name": "elbo"}, ...}``."""
        parts = {
            kind: registry.build(config[kind])
            for kind, registry in PARTS.items()
            if config.get(kind)
        }
        return cls(
            **parts,
            corrupts=config.get("corrupts"),
            training=Training(**config.get("training", {})),
            seed=config.get("seed", 0),
        )

    def components(self) -> list[Any]:
        """The parts that there are, in the order of `parts`."""
        return [part for kind in self.parts if (part := getattr(self, kind)) is not None]

    def config(self) -> dict[str, Any]:
        """The nested plain values that `from_config` takes; JSON can hold them."""
        plain: dict[str, Any] = {kind: _plain(getattr(self, kind)) for kind in self.parts}
        return {**plain, "corrupts": self.corrupts, "seed": self.seed}

    def identity(self) -> dict[str, Any]:
        """`config` without fields that change no result: file locations, how often to save."""
        config = self.config()
        for kind in self.parts:
            for fld in describe_fields(type(getattr(self, kind))) if config[kind] else ():
                if fld.where:
                    del config[kind][fld.name]
        return config

    def hyperparameters(self) -> dict[str, float]:
        """The numbers that may differ in a pack, as ``<part>.<field>``."""
        return {
            f"{kind}.{fld.name}": float(getattr(getattr(self, kind), fld.name))
            for kind in self.parts
            if getattr(self, kind) is not None
            for fld in describe_fields(type(getattr(self, kind)))
            if fld.per_member
        }

    @property
    def noise(self) -> tuple[str, Field] | None:
        """The part and the field that are the noise level: the likelihood's, else the objective's.

        None for models that have none.
        """
        for kind in ("likelihood", "objective"):
            component = getattr(self, kind)
            for fld in describe_fields(type(component)) if component else ():
                if fld.noise:
                    return kind, fld
        return None

    @property
    def beta_exponent(self) -> float | None:
        """e where (noise level s, β) learns what (s·β^e, 1) learns; None where that is unknown.

        Saremi 2020, arXiv:2005.09047, Theorems 1 and 2, which are about models of clean data.
        """
        known = self.corrupts is None and getattr(self.objective, "weights_kl", False)
        marked = self.noise[1].noise if known and self.noise else None
        return marked.beta_exponent if marked else None

    def statistics(self, device: torch.device, dtype: torch.dtype) -> dict[str, Tensor]:
        """What the corruption takes from the training data, as ``corruption.<name>``."""
        if not isinstance(self.corruption, FromData):
            return {}
        taken = _statistics(self.data, self.corruption.statistics, device, dtype)
        return {f"corruption.{name}": value for name, value in taken.items()}

    def count_parameters(self) -> int:
        """The number of trained parameters, counted without allocating them."""
        with torch.device("meta"):
            return sum(p.numel() for p in self.build_modules().parameters())

    def build_modules(self) -> nn.ModuleDict:
        """Fresh modules of the network (and of a learned corruption) for this trial's data."""
        outputs = self.likelihood.outputs if self.likelihood else 1
        modules = dict(self.network.build(self.data.shape, outputs))
        if isinstance(self.corruption, Learnable):
            modules["corruption"] = self.corruption.build(self.data.shape)
        return nn.ModuleDict(modules)

    def bind(
        self, parts: Mapping[str, nn.Module], params: Parameters, hyper: Mapping[str, Tensor]
    ) -> Bound:
        """The objective and the model of this trial, with the hyperparameters in `hyper`.

        `hyper` maps ``objective.beta``, ``likelihood.sigma`` ... to 0-d tensors, the values of
        one member of a pack, and may hold what `statistics` returns; else that is taken from the
        data.
        """
        like, given = next(iter(params.values()), None), dict(hyper)
        others = hyper.keys() - self.hyperparameters()
        taken = any(name.startswith("corruption.") for name in others)
        if like is not None and not taken:
            given |= self.statistics(like.device, like.dtype)

        def own(kind: str) -> Any:
            component = getattr(self, kind)
            values = {
                key.removeprefix(kind + "."): value
                for key, value in given.items()
                if key.startswith(kind + ".")
            }
            return component and substitute(component, values)

        model = Model(
            parts,
            params,
            self.network,
            self.data.shape,
            own("likelihood"),
            own("corruption"),
            self.corrupts,
        )
        return own("objective"), model


@functools.lru_cache(maxsize=8)
def _statistics(
    data: Dataset,
    take: Callable[[Splits], Mapping[str, Tensor]],
    device: torch.device,
    dtype: torch.dtype,
) -> dict[str, Tensor]:
    """A statistic of the training data, computed once per process and device."""
    return {name: value.to(device, dtype) for name, value in take(datasets.load(data)).items()}


def _plain(component: Any) -> dict[str, Any] | None:
    if component is None:
        return None
    named = {} if isinstance(component, Training) else {"name": component.name}
    if source := getattr(component, "code_sha256", None):
        named["source"] = source
    values = {
        fld.name: value
        for fld in describe_fields(type(component))
        if not fld.unsaid(value := getattr(component, fld.name))
    }
    return named | {
        key: list(value) if isinstance(value, tuple) else value for key, value in values.items()
    }


def _check_network(trial: Trial) -> None:
    wanted, found = trial.objective.network, trial.network.kind
    if wanted != found:
        fitting = [name for name in NETWORKS if NETWORKS[name].kind == wanted]
        raise Incompatible(
            f"the objective {name_of(trial.objective)!r} trains an {wanted}, and the "
            f"network {name_of(trial.network)!r} is an {found}; use one of "
            f"{', '.join(fitting)}"
        )


def _check_likelihood(trial: Trial) -> None:
    name = name_of(trial.objective)
    if trial.objective.likelihood != (trial.likelihood is not None):
        wish = (
            f"needs a likelihood (known: {', '.join(LIKELIHOODS)})"
            if trial.objective.likelihood
            else "takes no likelihood, because its own fields describe the noise; leave it out"
        )
        raise Incompatible(f"the objective {name!r} {wish}")
    if trial.likelihood:
        _check_support(trial.data, "likelihood", trial.likelihood)


def _check_support(data: Dataset, kind: str, part: Likelihood | Corruption) -> None:
    low, high = data.value_range or (-math.inf, math.inf)
    if part.support and (low < part.support[0] or high > part.support[1]):
        raise Incompatible(
            f"the {kind} {name_of(part)!r} is for data in {part.support}, and "
            f"{name_of(data)!r} has the range {data.value_range or 'ℝ'}; "
            f"use one of {_unbounded(kind)}"
        )


def _unbounded(kind: str) -> str:
    """The registered parts that take data of any range."""
    return ", ".join(name for name in PARTS[kind] if PARTS[kind][name].support is None)


def _check_corruption(trial: Trial) -> None:
    if (trial.corruption is None) != (trial.corrupts is None):
        raise Incompatible("`corruption` and `corrupts` (input or data) come together")
    if trial.corrupts and trial.corrupts not in trial.objective.corrupts:
        known = ", ".join(trial.objective.corrupts) or "none"
        raise Incompatible(
            f"the objective {name_of(trial.objective)!r} takes no corruption of the "
            f"{trial.corrupts} (admitted: {known})"
        )
    if trial.corrupts == "data" and isinstance(trial.corruption, Learnable):
        fixed = [name for name in CORRUPTIONS if not issubclass(CORRUPTIONS[name], Learnable)]
        raise Incompatible(
            f"the corruption {name_of(trial.corruption)!r} is learned, and of the data "
            "that would change what the model is fitted to; use one of "
            f"{', '.join(fixed)}, or corrupt the input"
        )
    if trial.corruption:
        _check_support(trial.data, "corruption", trial.corruption)
    if (
        trial.corruption
        and trial.corrupts == "data"
        and not trial.corruption.support
        and trial.likelihood
        and trial.likelihood.support
    ):
        inside = [name for name in CORRUPTIONS if CORRUPTIONS[name].support]
        raise Incompatible(
            f"the likelihood {name_of(trial.likelihood)!r} is for data in "
            f"{trial.likelihood.support}, and {name_of(trial.corruption)} noise of the "
            f"data leads out of it; use one of the likelihoods {_unbounded('likelihood')}, or "
            f"of the corruptions {', '.join(inside)}"
        )
