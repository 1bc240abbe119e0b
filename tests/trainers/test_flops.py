"""The operations of a network are counted as torch counts them, without torch's compiler."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from trainers.fields import describe_fields
from trainers.flops import flops
from trainers.networks import NETWORKS

CONVOLUTIONS: dict[str, nn.Module] = {
    "strided": nn.Conv2d(4, 8, 3, stride=2, padding=1),
    "dilated, in groups": nn.Conv2d(4, 8, 3, dilation=2, groups=2),
    "transposed": nn.ConvTranspose2d(4, 6, 3, stride=2),
    "with a norm": nn.Sequential(nn.Conv2d(4, 4, 3), nn.GroupNorm(2, 4), nn.SiLU()),
}


def counted(module: nn.Module, x: torch.Tensor) -> int:
    with FlopCounterMode(display=False) as counter:
        module(x)
    return int(counter.get_total_flops())


@pytest.mark.parametrize("module", CONVOLUTIONS.values(), ids=CONVOLUTIONS)
def test_convolutions(module: nn.Module) -> None:
    x = torch.randn(2, 4, 12, 16)
    assert flops(module, x) == counted(module, x) > 0


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_every_network(name: str) -> None:
    """Each module of each network that there is, on 8x8 images."""
    required = {"d_z": 5, "hidden": (7, 6)}
    taken = [field.name for field in describe_fields(NETWORKS[name])]
    network = NETWORKS[name](**{key: required[key] for key in taken if key in required})
    modules = network.build((1, 8, 8), 1)
    assert modules
    for part, module in modules.items():
        x = torch.randn(2, 5 if part == "decoder" else 64)
        assert flops(module, x) == counted(module, x) > 0


def test_planning_a_grid_imports_no_compiler() -> None:
    """torch's compiler takes a second to import, which `sweeper plan` would take longer."""
    code = (
        "import sys; from sweeper.cli import main; code = main(['plan', 'digits', '--json']); "
        "print([m for m in ('torch._dynamo', 'sympy') if m in sys.modules], file=sys.stderr); "
        "sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.strip().endswith("[]")
