"""A GPU's arithmetic is part of a trial, and stays out of the ids of those that do not name it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch

from sweeper.errors import UserError
from tests.sweeper.grids import grid_text, trials_of
from tests.trainers.models import mlp_sigma_vae
from trainers import Pack, Training, arithmetic
from trainers.arithmetic import WORKSPACE, gpu_arithmetic
from trainers.evaluations import evaluate
from trainers.evaluations.denoising import Denoising
from trainers.gallery import gallery

GPU, CPU = torch.device("cuda"), torch.device("cpu")


def settings() -> dict[str, Any]:
    """What a kernel of a GPU would look at now."""
    cudnn = torch.backends.cudnn
    return {
        "products": torch.backends.cuda.matmul.fp32_precision,
        "convolutions": cudnn.conv.fp32_precision,
        "recurrent": cudnn.rnn.fp32_precision,
        "deterministic": torch.are_deterministic_algorithms_enabled(),
    }


@pytest.mark.parametrize("precision", ["ieee", "tf32"])
def test_products_and_convolutions_are_set_for_a_gpu_and_put_back(precision: Any) -> None:
    before = settings()
    with gpu_arithmetic(Training(fp32_precision=precision), GPU):
        inside = settings()
    assert inside == before | dict.fromkeys(("products", "convolutions", "recurrent"), precision)
    assert settings() == before


def test_determinism_is_set_for_a_gpu_and_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(WORKSPACE, raising=False)
    before = settings()
    with gpu_arithmetic(Training(deterministic=True), GPU):
        inside, workspace = settings(), os.environ[WORKSPACE]
    assert inside == before | {"deterministic": True}
    assert workspace == ":4096:8"
    assert settings() == before


@pytest.mark.parametrize(
    ("training", "device"),
    [(Training(), GPU), (Training(fp32_precision="ieee", deterministic=True), CPU)],
)
def test_nothing_is_set_by_default_or_on_a_cpu(training: Training, device: torch.device) -> None:
    before = settings()
    with gpu_arithmetic(training, device):
        assert settings() == before


def test_a_pack_trains_and_tests_within_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, inside = list[tuple[str, bool]](), [0]

    @contextmanager
    def noted(training: Training, device: torch.device) -> Iterator[None]:
        asked.append((training.fp32_precision, training.deterministic))
        inside[0] += 1
        yield
        inside[0] -= 1

    whole = Pack._train_epoch, Pack._test_epoch
    seen = list[int]()
    monkeypatch.setattr(arithmetic, "gpu_arithmetic", noted)
    monkeypatch.setattr(
        Pack, "_train_epoch", lambda self: (seen.append(inside[0]), whole[0](self))[1]
    )
    monkeypatch.setattr(
        Pack, "_test_epoch", lambda self, part: (seen.append(inside[0]), whole[1](self, part))[1]
    )
    training = Training(epochs=1, fp32_precision="tf32", deterministic=True)
    one = Pack([mlp_sigma_vae(0.1, training=training)])
    one.run_epoch()
    assert one.look()
    assert seen == [1, 1, 1, 1, 1]
    assert asked == [("tf32", True)] * 2


def test_pictures_and_evaluations_are_computed_within_it(monkeypatch: pytest.MonkeyPatch) -> None:
    trial = mlp_sigma_vae(0.1, training=Training(epochs=1, fp32_precision="ieee"))
    bound, asked = Pack([trial]).bind(0), list[str]()

    @contextmanager
    def noted(training: Training, device: torch.device) -> Iterator[None]:
        asked.append(training.fp32_precision)
        yield

    monkeypatch.setattr(arithmetic, "gpu_arithmetic", noted)
    assert gallery(trial, *bound)
    assert asked == ["ieee"]
    evaluate(Denoising(gaussian=(0.5,), laplace=(), salt_and_pepper=()), trial, *bound)
    assert asked == ["ieee"] * 2


def test_they_are_part_of_an_id_only_where_they_are_given() -> None:
    plain, default, ieee, sure = (
        trials_of(grid_text(f"{{model: sigma_vae, sigma: 0.1, seeds: 1{more}}}"))[0]
        for more in (
            "",
            ", fp32_precision: torch, deterministic: false",
            ", fp32_precision: ieee",
            ", deterministic: true",
        )
    )
    assert plain.id == default.id
    assert len({plain.id, ieee.id, sure.id}) == 3
    assert {"fp32_precision", "deterministic"}.isdisjoint(plain.params)
    assert ieee.params["fp32_precision"] == "ieee"
    assert sure.params["deterministic"] is True


def test_another_word_is_refused() -> None:
    with pytest.raises(UserError, match="must be one of 'torch', 'ieee', 'tf32'"):
        trials_of(grid_text("{model: sigma_vae, sigma: 0.1, fp32_precision: fast}"))
