"""Between two readings of its metrics, an epoch on a device needs nothing of the host.

The device is torch's ``meta``: its tensors have shapes and types, and no values, so that no number
can be read. (Autograd refuses fake tensors of a GPU where there is none.)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from tests.shapes import unchecked
from trainers import Pack, Training, Trial
from trainers.conformance.examples import combinations, label, with_other_numbers
from trainers.noise import Streams

SHORT = Training(epochs=2, batch_size=600)
TRIALS = [replace(one, training=SHORT) for one in combinations()]
COPIES = {torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default}
READ = torch.ops.aten._local_scalar_dense.default


class Transfers(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes operators on tensors of the host, and those that bring numbers to it or from it.

    Numbers of the program itself are tensors without axes on the host: a kernel's arguments.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.found = list[str]()
        self.calls = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        out = func(*args, **kwargs or {})
        touched = [one for one in tree_leaves([args, kwargs, out]) if isinstance(one, Tensor)]
        devices = {one.device.type for one in touched}
        self.calls += "meta" in devices
        on_host = any(one.ndim for one in touched if one.device.type == "cpu")
        if on_host or (func in COPIES and len(devices) > 1) or func is READ:
            self.found.append(str(func))
        return out


def no_values(metrics: dict[str, Tensor]) -> list[dict[str, float]]:
    """In the place of what is read from the device: a row for each member."""
    assert {value.device.type for value in metrics.values()} == {"meta"}
    rows = next(iter(metrics.values())).numel()
    return [dict.fromkeys(metrics, 0.0) for _ in range(rows)]


@pytest.fixture(autouse=True)
def shapes_unchecked() -> Iterator[None]:
    """The conformance tests check them."""
    with unchecked():
        yield


@pytest.mark.parametrize("trial", TRIALS, ids=label)
@pytest.mark.parametrize("size", [1, 3])
def test_an_epoch_brings_nothing_to_the_device_and_takes_nothing_from_it(
    trial: Trial, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Order, noise, gather, gradients, Adam and test, before and after members have left."""
    monkeypatch.setattr("trainers.pack.read", no_values)
    monkeypatch.setattr(Streams, "generator", lambda self, stream: None)
    trials = [trial]
    while len(trials) < size:
        trials.append(with_other_numbers(trials[-1]))
    pack = Pack(trials, "meta")
    for live in range(size, max(0, size - 2), -1):
        with Transfers() as transfers:
            records = pack.run_epoch()
        assert len(records) == live
        assert transfers.calls > 100
        assert transfers.found == []
        pack.drop(pack.live[0])
