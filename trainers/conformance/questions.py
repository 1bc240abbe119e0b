"""What evaluations and samplers must do with an untrained model."""

from __future__ import annotations

import math

import numpy as np
import torch

from trainers.conformance import require
from trainers.conformance.bench import untrained
from trainers.errors import Incompatible
from trainers.evaluations import Evaluation, Evaluator, evaluate
from trainers.samplers import Sampler
from trainers.trial import Trial

__all__ = ["answers_are_finite_and_tabulated", "samples_follow_from_the_generator"]

EVALUATE, SAMPLE = ("evaluation", "evaluate"), ("sampler", "sample")


def answers_are_finite_and_tabulated(evaluator: Evaluator, trial: Trial) -> Evaluation | None:
    """An answer holds metrics or pictures, and a table; None where the model cannot be asked."""
    try:
        evaluator.check(trial)
    except Incompatible:
        return None
    bench = untrained(trial)
    found, again = (evaluate(evaluator, trial, bench.objective, bench.model) for _ in range(2))
    odd = [name for name, value in found.metrics.items() if not math.isfinite(value)]
    require(
        not odd,
        EVALUATE,
        "the metrics are finite numbers",
        f"{', '.join(odd)} are not",
        "leave out what cannot be computed, or raise Incompatible in `check`",
    )
    require(
        found.metrics == again.metrics,
        EVALUATE,
        "an evaluation draws no noise of its own: asked twice, it answers the same",
        "two calls differ",
        "draw from trainers.evaluations.own_streams(trial, model)",
    )
    _require_contents(found)
    return found


def _require_contents(found: Evaluation) -> None:
    require(
        bool(found.metrics or found.pictures) and bool(found.table),
        EVALUATE,
        "an answer has metrics or pictures, and a table",
        f"there are {len(found.metrics)} metrics, {len(found.pictures)} pictures and "
        f"{len(found.table)} rows",
        "return Evaluation(metrics, table) with at least one row",
    )
    require(
        all(row.keys() == found.table[0].keys() for row in found.table),
        EVALUATE,
        "all rows of the table have the same keys",
        "they do not",
        "write None where a row has no value",
    )
    require(
        all(one.dtype == np.uint8 and one.ndim == 5 for one in found.pictures.values()),
        EVALUATE,
        "pictures are uint8 [rows, n, C, H, W]",
        ", ".join(f"{name} is {one.dtype} {one.shape}" for name, one in found.pictures.items()),
        "make them with trainers.gallery.pictures",
    )


def samples_follow_from_the_generator(sampler: Sampler, trial: Trial) -> bool:
    """Whether the model can be sampled so; if so, samples are finite, and repeat with the seed."""
    bench = untrained(trial)
    try:
        sampler.check(bench.objective)
    except Incompatible:
        return False

    def draw(seed: int) -> torch.Tensor:
        generator = torch.Generator().manual_seed(seed)
        return sampler.sample(bench.objective, bench.model, 3, generator)

    first, again, other = draw(0), draw(0), draw(1)
    require(
        list(first.shape) == [3, bench.x.shape[1]] and bool(torch.isfinite(first).all()),
        SAMPLE,
        f"three samples are finite, of the shape [3, {bench.x.shape[1]}]",
        f"they are {list(first.shape)}",
        "return one flat example a chain",
    )
    require(
        torch.equal(first, again) and not torch.equal(first, other),
        SAMPLE,
        "all chance comes from `generator`: one seed gives the same samples, another one others",
        "it does not",
        "draw with trainers.samplers.draw_noise(draws, generator, like)",
    )
    path = sampler.trajectory(bench.objective, bench.model, 3, torch.Generator().manual_seed(0))
    require(
        path.ndim == 3 and torch.equal(path[-1], first),
        ("sampler", "trajectory"),
        "`trajectory` is [times, count, dims] and ends with what `sample` returns",
        f"it is {list(path.shape)}",
        "return the states of the same chains, the oldest first",
    )
    return True
