"""Large tensors are not mapped anew in each step."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

from cluster.base import SETTINGS

MEASURE = """
import resource
from trainers import Pack, Training, Trial
from trainers.allocator import keep_memory
from trainers.datasets.linear_gaussian import LinearGaussian
from trainers.likelihoods.gaussian import Gaussian
from trainers.networks.mlp import Mlp
from trainers.objectives.elbo import Elbo

pack = Pack([Trial(
    objective=Elbo(), likelihood=Gaussian(sigma=1.0), data=LinearGaussian(dims=4, examples=64),
    network=Mlp(d_z=2, hidden=(3000, 3000), decoder_hidden=(16,)),
    training=Training(epochs=9, batch_size=16, test_every=9),
)])

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    pack.run_epoch()
    return (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / pack.steps_per_epoch

faults()
before = faults()
assert keep_memory()
faults()
print(before, faults())
"""

IN_A_THREAD = """
import resource, threading
import torch
from trainers.allocator import keep_memory

def use():
    return [torch.ones(20_000_000) for _ in range(2)]

def train():
    for _ in range(10):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        use()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)

assert keep_memory()
thread = threading.Thread(target=train)
thread.start()
thread.join()
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs the GNU C library")
def test_a_step_with_large_gradients_has_few_page_faults() -> None:
    """A weight of 36 MB; in a process of its own, as memory is kept until it ends."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    by_default, kept = map(float, done.stdout.split())
    assert by_default > 1000
    assert kept < 100


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs the GNU C library")
def test_neither_are_they_in_the_thread_in_which_a_worker_of_ray_trains() -> None:
    """Tensors of 80 MB; a thread's own arena holds 64."""
    settings = {"MALLOC_ARENA_MAX": SETTINGS["MALLOC_ARENA_MAX"]}
    others = {name: value for name, value in os.environ.items() if name not in settings}
    by_default, kept = (
        float(
            subprocess.run(
                [sys.executable, "-c", IN_A_THREAD],
                env=others | more,
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        )
        for more in ({}, settings)
    )
    assert by_default > 1000
    assert kept < 100
