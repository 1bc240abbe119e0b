"""Every evaluation asks every model, or says why not; new ones are found by name."""

from __future__ import annotations

from typing import Any

import pytest

from trainers import Trial
from trainers.conformance.examples import combinations, label
from trainers.conformance.questions import answers_are_finite_and_tabulated
from trainers.evaluations import EVALUATIONS, Evaluator, config
from trainers.fields import describe_fields

SMALL: dict[str, Any] = {
    "examples": 6,
    "count": 2,
    "steps": 5,
    "k": 3,
    "m": 3,
    "n0": 5,
    "n": 16,
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


@pytest.mark.parametrize("trial", list(combinations()), ids=label)
def test_every_model_answers_what_it_can_be_asked(trial: Trial) -> None:
    answers = {
        name: answer
        for name in EVALUATIONS
        if (answer := answers_are_finite_and_tabulated(small(name), trial)) is not None
    }
    assert {"denoising", "classification", "smoothing", "samples"} <= set(answers)
    names = [metric for answer in answers.values() for metric in answer.metrics]
    assert len(names) == len(set(names)), "two evaluations share the name of a metric"


def test_a_name_alone_is_an_evaluation() -> None:
    for name in EVALUATIONS:
        assert config(EVALUATIONS.build({"name": name}))["name"] == name
