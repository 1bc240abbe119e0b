"""On a GPU a step that is replayed as a CUDA graph is the step that was written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import torch

from tests.trainers.models import mlp_sigma_vae
from trainers import Pack, Training, Trial, step
from trainers.conformance.examples import combinations, label, with_other_numbers
from trainers.probe import measured, room

pytestmark = pytest.mark.gpu
SHORT = Training(epochs=2, batch_size=64)
TRIALS = [replace(one, training=SHORT) for one in combinations()]
CLOSE = {"rel": 1e-3, "abs": 1e-4}


@pytest.fixture(autouse=True)
def _device() -> Iterator[None]:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device here; run `pytest -m gpu` on a machine that has one")
    yield
    torch.cuda.empty_cache()


def trained(trials: list[Trial]) -> list[dict[str, float]]:
    """The metrics of each member after two epochs."""
    pack = Pack(trials, "cuda")
    pack.run_epoch()
    return [record.metrics for record in pack.run_epoch().values()]


def at_once(take: Callable[[], None]) -> Callable[[], None]:
    """In the place of a capture: the step itself, each time anew."""
    return take


@pytest.mark.parametrize("trial", TRIALS, ids=label)
def test_a_captured_step_trains_what_an_eager_one_and_a_trial_alone_train(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    trials = [trial, with_other_numbers(trial)]
    captured, alone = trained(trials), trained(trials[1:])
    monkeypatch.setattr(step, "captured", at_once)
    for found, eager in zip(captured, trained(trials), strict=True):
        assert found == pytest.approx(eager, **CLOSE)
    assert captured[1] == pytest.approx(alone[0], **CLOSE)


def test_packs_of_this_gpu_are_measured() -> None:
    one, two = (measured([mlp_sigma_vae(0.1)], "cuda", size) for size in (1, 2))
    assert one.seconds > 0
    assert 0 < one.memory <= two.memory < room("cuda")
