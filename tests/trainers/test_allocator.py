"""Large tensors are not mapped anew in each step."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

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
