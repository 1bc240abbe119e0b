"""What the members of a pack have in common: one program, computed with different numbers."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from trainers.convolution import Way, one_by_one, with_products
from trainers.fields import describe_fields
from trainers.model import Model
from trainers.noise import Draw
from trainers.objectives import Metrics, Objective
from trainers.products import fast_products
from trainers.trial import Training, Trial

__all__ = ["Program", "Way", "pack_key"]

Tensors = Mapping[str, Tensor]


def pack_key(trial: Trial) -> dict[str, Any]:
    """What all members of a pack share: the trial without its seed and per-member numbers."""
    config = trial.identity()
    del config["seed"]
    for kind in trial.parts:
        for field in describe_fields(type(getattr(trial, kind))) if config[kind] else ():
            if field.per_member:
                del config[kind][field.name]
    return config


@dataclass(frozen=True)
class Program:
    """Loss, metrics and noise of a pack's members, all computed at once.

    Parameters
    ----------
    trial : any member. parts : its modules; parameters are put in from outside.
    packed : whether parameters, numbers, batches and noise have a pack axis, which leads.
    way : how a pack's convolutions are computed.
    """

    trial: Trial
    parts: Mapping[str, nn.Module]
    packed: bool
    way: Way = "grouped"

    @property
    def training(self) -> Training:
        return self.trial.training

    @property
    def key(self) -> Hashable:
        """Equal for programs that call the same operators on tensors of the same shapes."""
        config = pack_key(self.trial)
        del config["training"]["epochs"]
        classes = tuple(type(getattr(self.trial, kind)) for kind in self.trial.parts)
        return json.dumps(config, sort_keys=True), classes, self.packed, self.way

    def loss(
        self, params: Tensors, hyper: Tensors, x: Tensor, noise: Tensors
    ) -> tuple[Tensor, Metrics]:
        """The objective's loss on a batch of each member, and its parts as metrics."""

        def member(
            params: Tensors, hyper: Tensors, x: Tensor, noise: Tensors
        ) -> tuple[Tensor, Metrics]:
            objective, model = self.trial.bind(self.parts, params, hyper)
            return objective.loss(model, x, noise)

        found: tuple[Tensor, Metrics] = self._of_all(member, 0)(params, hyper, x, noise)
        return found

    def test(self, params: Tensors, hyper: Tensors, x: Tensor, noise: Tensors) -> Metrics:
        """The objective's test metrics of each example, of the same batch for all members."""

        def member(params: Tensors, hyper: Tensors, x: Tensor, noise: Tensors) -> Metrics:
            objective, model = self.trial.bind(self.parts, params, hyper)
            return objective.test(model, x, noise)

        found: Metrics = self._of_all(member, None)(params, hyper, x, noise)
        return found

    def draws(self, batch: int) -> dict[str, Draw]:
        """The noise that a member's `loss` needs for a batch."""
        objective, model = self._shapes()
        return objective.draws(model, batch)

    def test_draws(self, batch: int) -> dict[str, Draw]:
        """The noise that a member's `test` needs for a batch."""
        objective, model = self._shapes()
        return objective.test_draws(model, batch)

    @contextmanager
    def kernels(self, device: torch.device) -> Iterator[None]:
        """What layers compute in, and by which products, in a block of code, traced or not.

        Without autocast's cache, which would keep the weights of the first step.
        """
        with fast_products(device):
            if self.training.precision != "bfloat16":
                yield
                return
            with torch.autocast(device.type, dtype=torch.bfloat16, cache_enabled=False):
                yield

    def _of_all(self, member: Callable[..., Any], batches: int | None) -> Callable[..., Any]:
        """The function of one member for all: `batches` is the pack axis of x, if it has one."""
        if not self.packed:
            return member
        if self.way == "branches":
            return one_by_one(member, shared=batches is None)
        together = torch.func.vmap(member, in_dims=(0, 0, batches, 0))
        return with_products(together) if self.way == "bmm" else together

    def _shapes(self) -> tuple[Objective, Model]:
        """Some member's objective and model, without values: for the shapes of the noise."""
        return self.trial.bind(self.parts, {}, {})
