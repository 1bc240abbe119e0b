"""Copies for checkpoints: of their own memory, and from a GPU all at once."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from trainers import host_copy
from trainers.host_copy import host_copies

CPU, GPU = torch.device("cpu"), torch.device("cuda")


def test_a_copy_keeps_its_values_when_training_goes_on() -> None:
    whole = torch.arange(12.0).reshape(3, 4).requires_grad_()
    copies = host_copies({"row": whole[1], "column": whole[:, 1]}, CPU)
    with torch.no_grad():
        whole.zero_()
    assert {name: copy.tolist() for name, copy in copies.items()} == {
        "row": [4, 5, 6, 7],
        "column": [1, 5, 9],
    }
    assert not any(copy.requires_grad for copy in copies.values())
    assert all(copy.is_contiguous() for copy in copies.values())


def test_a_gpu_is_waited_for_once_after_all_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a stand-in for CUDA's pages and its stream."""
    done = list[str]()

    class Page(Tensor):
        def copy_(self, value: Tensor, non_blocking: bool = False) -> Tensor:  # type: ignore[override]
            done.append(f"copy, {'not ' * non_blocking}waiting")
            return super().copy_(value)

    monkeypatch.setattr(
        host_copy, "pinned", lambda value: torch.empty_like(value).as_subclass(Page)
    )
    monkeypatch.setattr(
        host_copy, "await_copies", lambda device: done.append(f"wait for {device}")
    )
    copies = host_copies({"a": torch.ones(2), "b": torch.zeros(3)}, GPU)
    assert done == ["copy, not waiting", "copy, not waiting", "wait for cuda"]
    assert copies["a"].tolist() == [1, 1]
