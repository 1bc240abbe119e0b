"""Processor time of a step of training for each member of a pack, and its share of the limit.

    python -m tests.benchmarks.steps [--case digits mlp convnet] [--pack 1 2 4 9 18]
                                     [--precision bfloat16] [--device cuda] [--way bmm]

The limit is the time that a step's arithmetic and memory traffic would take at the rates that this
machine reaches in the same process: of a product of two large matrices, and of copying a large
tensor. The arithmetic is three times that of the forward pass; the traffic is that of Adam (28
bytes a parameter) and of reading the weights forward and backward (8 bytes). On a GPU times are by
the clock, as that computes while the processor waits.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from typing import get_args

import torch

from tests.benchmarks.cases import CASES, Case
from trainers import Pack, Trial
from trainers.allocator import keep_memory
from trainers.convolution import Way
from trainers.flops import flops
from trainers.products import fast_products
from trainers.threads import one_thread

STEPS = 40
TRAFFIC = 28 + 8
LARGE = {"cpu": 1024, "cuda": 8192}
TRAINING = ("epochs", "batch_size", "lr")


def trial(case: Case, number: int, precision: str = "float32") -> Trial:
    """A member of a pack, of about `STEPS` steps an epoch."""
    grid = json.loads(case.grid(1000))
    own = grid["defaults"]
    training = {name: own.pop(name) for name in TRAINING} | {"test_every": 1000}
    training["precision"] = precision
    limit = {"limit": STEPS * case.batch_size} if case.data == "mnist" else {}
    config = {
        "objective": {"name": "elbo"},
        "likelihood": {"name": "gaussian", "sigma": 0.05 + 0.01 * number},
        "network": {"name": own.pop("network"), **own},
        "data": grid["data"] | limit,
        "training": training,
        "seed": number,
    }
    return Trial.from_config(config)


def best(work: Callable[[], object], rounds: int, device: str) -> float:
    """The least time of some calls in seconds: other processes only add to it."""
    found = []
    for _ in range(rounds):
        start = now(device)
        work()
        found.append(now(device) - start)
    return min(found)


def now(device: str) -> float:
    """Seconds of the processor, or of the clock when a GPU has done what it was given."""
    if device == "cpu":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def member_ms(case: Case, size: int, options: argparse.Namespace) -> float:
    """Milliseconds a step and member, after an epoch in which the step is traced."""
    trials = [trial(case, number, options.precision) for number in range(size)]
    pack = Pack(trials, options.device, way=options.way)
    pack.run_epoch()
    seconds = best(pack.run_epoch, options.rounds, options.device)
    return 1e3 * seconds / pack.steps_per_epoch / size


def limit_ms(case: Case, options: argparse.Namespace) -> float:
    """Milliseconds of a step at the rates that this machine reaches."""
    one, rounds, device = trial(case, 0), 4 * options.rounds, options.device
    side = LARGE[device]
    with one_thread(torch.device(device)):
        square = torch.randn(side, side, device=device)
        with fast_products(torch.device(device)):
            rate = 2 * side**3 / best(lambda: square @ square, rounds, device)
        source = torch.randn(64 * 1024**2, device=device)
        target = torch.empty_like(source)
        copied = 2 * source.nbytes / best(lambda: target.copy_(source), rounds, device)
    with torch.device("meta"):
        modules = one.build_modules()
    dims, batch = 64 if case.data == "digits" else 784, case.batch_size
    widths = {"encoder": dims, "decoder": case.d_z}
    work = sum(flops(modules[name], torch.zeros(batch, width)) for name, width in widths.items())
    return 1e3 * (3 * work / rate + TRAFFIC * one.count_parameters() / copied)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--case", choices=CASES, nargs="+", default=["digits", "mlp"])
    parser.add_argument("--pack", type=int, nargs="+", default=[1, 2, 4, 9, 18])
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--device", choices=LARGE, default="cpu")
    parser.add_argument("--way", choices=get_args(Way), default="grouped", help="of convolutions")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    keep_memory()
    print("case      pack   ms a member   to pack 1   of the limit   load")
    for name in arguments.case:
        limit, first = limit_ms(CASES[name], arguments), 0.0
        for size in arguments.pack:
            found = member_ms(CASES[name], size, arguments)
            first = first or found
            print(
                f"{name:10}{size:4d}{found:14.2f}{found / first:12.2f}{found / limit:15.2f}"
                f"{os.getloadavg()[0]:7.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
