"""The size of a pack on a GPU follows from a few steps; here of packs whose costs are given."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from tests.trainers.models import mlp_sigma_vae
from trainers import Pack, Trial, probe
from trainers.batches import fits
from trainers.memory import out_of_memory
from trainers.probe import Cost, best_size
from trainers.step import Steps

PLENTY = 1e9


class Device:
    """Packs of `p` members take `seconds(p)` a step, and 10 + 5 p bytes; notes those tried."""

    def __init__(self, seconds: Callable[[int], float], fits: int = 1000) -> None:
        self._seconds, self._fits = seconds, fits
        self.tried = list[int]()

    def __call__(self, size: int) -> Cost:
        self.tried.append(size)
        if size > self._fits:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return Cost(self._seconds(size), 10 + 5 * size)


def launches(p: int) -> float:
    """Launching takes 9 ms of every step, and a member's work 1 ms of the device."""
    return 9 + p


@pytest.mark.parametrize(
    ("seconds", "most", "room", "size", "tried"),
    [
        (launches, 1000, PLENTY, 128, [1, 2, 4, 8, 16, 32, 64, 128, 256]),
        (launches, 9, PLENTY, 9, [1, 2, 4, 8, 9]),
        (launches, 5, PLENTY, 5, [1, 2, 4, 5]),
        (launches, 1, PLENTY, 1, [1]),
        (launches, 1000, 10 + 5 * 11, 11, [1, 2, 4, 8, 11]),
        (launches, 1000, 10 + 5 * 2, 2, [1, 2]),
        (launches, 1000, 10 + 5 * 1.9, 1, [1, 2]),
        (lambda p: p, 1000, PLENTY, 1, [1, 2]),
        (lambda p: max(4, p), 1000, PLENTY, 4, [1, 2, 4, 8]),
    ],
)
def test_a_pack_is_doubled_while_that_saves_time_and_there_is_room(
    seconds: Callable[[int], float], most: int, room: float, size: int, tried: list[int]
) -> None:
    device = Device(seconds)
    assert best_size(device, most, room) == size
    assert device.tried == tried


@pytest.mark.parametrize(("fits", "size"), [(1, 1), (3, 2), (4, 4)])
def test_a_size_that_has_no_room_ends_the_doubling(fits: int, size: int) -> None:
    """As what a pack takes may grow faster than its first two members say."""
    device = Device(launches, fits)
    assert best_size(device, 1000, PLENTY) == size
    assert device.tried[-1] == 2 * size


def test_an_error_that_is_no_want_of_memory_is_raised() -> None:
    def broken(size: int) -> Cost:
        if size > 1:
            raise ArithmeticError("a planted bug")
        return Cost(1, 1)

    with pytest.raises(ArithmeticError):
        best_size(broken, 9, PLENTY)
    with pytest.raises(torch.OutOfMemoryError):
        best_size(Device(launches, fits=0), 9, PLENTY)


@pytest.mark.parametrize(("error", "size"), [(None, 2), (ValueError("a planted bug"), 1)])
def test_what_cannot_be_measured_is_trained_by_itself(
    error: Exception | None, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it says what is wrong with it."""
    device = Device(launches)

    def measure(trials: list[Trial], where: str, size: int) -> Cost:
        assert (len(trials), where) == (2, "cuda")
        if error:
            raise error
        return device(size)

    monkeypatch.setattr(probe, "measured", measure)
    monkeypatch.setattr(probe, "room", lambda where: PLENTY)
    assert probe.advised_size([mlp_sigma_vae(0.1), mlp_sigma_vae(0.2)], "cuda") == size


@pytest.mark.parametrize(
    ("share", "free", "room", "most"), [(1.0, 60, 0.9 * 70, 30), (0.25, 60, 0.9 * 25, 7)]
)
def test_a_process_has_room_in_its_share_of_a_gpu(
    share: float, free: int, room: float, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 100 bytes, of which it holds 10. The driver is made up, and the checks are torch's."""
    monkeypatch.setattr("torch.cuda.memory._lazy_init", lambda: None)
    monkeypatch.setattr("torch.cuda.current_device", lambda: 0)
    monkeypatch.setattr("torch._C._cuda_getMemoryFraction", lambda device: share, raising=False)
    monkeypatch.setattr("torch.cuda.mem_get_info", lambda device: (free, 100))
    monkeypatch.setattr("torch.cuda.memory_reserved", lambda device: 10)
    assert probe.room("cuda") == pytest.approx(room)
    data = torch.zeros(most, dtype=torch.uint8)
    found = [fits(x, torch.device("cuda")) for x in (data, torch.cat([data, data[:1]]))]
    assert found == [True, False]


def test_steps_are_measured_without_an_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many are taken before, and never more than an epoch has."""
    pack, taken = Pack([mlp_sigma_vae(0.1), mlp_sigma_vae(0.2)]), list[Steps]()
    before, take = pack.weights(1), Steps.take
    monkeypatch.setattr(Steps, "take", lambda self, graph: (taken.append(self), take(self, graph)))
    assert pack.rehearse(4) > 0
    assert len(taken) == 2 * 4
    assert pack.rehearse(1000) > 0
    assert len(taken) == 2 * 4 + 2 * pack.steps_per_epoch
    assert (pack.epoch, pack.live) == (0, [0, 1])
    moved = pack.weights(1).items()
    assert [name for name, value in moved if torch.equal(value, before[name])] == []


def caused(error: Exception, cause: Exception) -> Exception:
    error.__context__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "lacks"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory."), True),
        (RuntimeError("CUDA error: out of memory"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`"), True),
        (RuntimeError("CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"), True),
        (caused(RuntimeError("operation failed during capture"), MemoryError()), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"), False),
        (ValueError("CUDA error: out of memory"), False),
        (caused(RuntimeError("after"), ValueError("before")), False),
    ],
)
def test_errors_for_want_of_memory_are_told_from_others(error: Exception, lacks: bool) -> None:
    assert out_of_memory(error) is lacks
