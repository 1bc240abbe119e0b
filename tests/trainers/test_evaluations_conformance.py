"""Every evaluation asks every model, or says why not; new ones are found by name."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tests.trainers.conformance import combinations, label
from trainers import Pack, Trial
from trainers.errors import Incompatible
from trainers.evaluations import EVALUATIONS, Evaluator, config, evaluate
from trainers.fields import describe_fields

SMALL: dict[str, Any] = {
    "examples": 6,
    "count": 2,
    "steps": 20,
    "k": 3,
    "m": 3,
    "n0": 5,
    "n": 40,
    "radii": (0.1, 0.2),
    "gaussian": (0.3,),
    "laplace": (0.3,),
    "salt_and_pepper": (0.3,),
}


def small(name: str) -> Evaluator:
    fields = {field.name: field for field in describe_fields(EVALUATIONS[name])}
    settings = {
        field: value
        for field, value in SMALL.items()
        if field in fields and fields[field].default is not None
    }
    return EVALUATIONS.build({"name": name, **settings})


def admits(evaluator: Evaluator, trial: Trial) -> bool:
    try:
        evaluator.check(trial)
    except Incompatible:
        return False
    return True


@pytest.mark.parametrize("trial", list(combinations()), ids=label)
def test_every_model_answers_what_it_can_be_asked(trial: Trial) -> None:
    asked = [small(name) for name in EVALUATIONS]
    asked = [one for one in asked if admits(one, trial)]
    assert {"denoising", "classification", "smoothing", "samples"} <= {one.name for one in asked}
    objective, model = Pack([trial]).bind(0)
    names: list[str] = []
    for evaluator in asked:
        found = evaluate(evaluator, trial, objective, model)
        names += found.metrics
        assert all(math.isfinite(value) for value in found.metrics.values()), found.metrics
        assert found.metrics or found.pictures
        assert found.table
        assert all(row.keys() == found.table[0].keys() for row in found.table)
        assert all(
            picture.dtype == np.uint8 and picture.ndim == 5 for picture in found.pictures.values()
        )
    assert len(names) == len(set(names)), "two evaluations share the name of a metric"


def test_a_name_alone_is_an_evaluation() -> None:
    for name in EVALUATIONS:
        assert config(EVALUATIONS.build({"name": name}))["name"] == name
