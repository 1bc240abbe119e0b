"""How a rule of `until` ended, from the path in sweep.json; MLflow has none."""

from __future__ import annotations

from typing import Any

import pytest

from analysis.training.rule import rule_sentences

STEP = {"epochs": 40, "end": "met", "change": 0.004, "change_low": 0.001, "change_high": 0.007}


@pytest.mark.parametrize(
    ("until", "said"),
    [
        (None, []),
        ({"rule": {"nu_halfwidth": 0.02, "max_seeds": 9}, "path": []}, []),
        (
            {"rule": {"converged": 0.01, "max_epochs": 80}, "path": [STEP]},
            ["The rule that ν changes by less than 0.01 was met after 40 epochs: 0.0040"],
        ),
        (
            {"rule": {"converged": 0.01, "max_epochs": 80}},
            ["The rule that ν changes by less than 0.01: whether it added"],
        ),
        (
            {"rule": {"nu_halfwidth": 0.02, "max_seeds": 9}},
            ["The rule that the interval of ν is ± 0.02: whether it added"],
        ),
        (
            {"rule": {"equivalence": "decided", "max_seeds": 9}},
            ["The rule that every equivalence is decided: whether it added"],
        ),
    ],
)
def test_an_end_that_is_not_known_is_called_unknown(
    until: dict[str, Any] | None, said: list[str]
) -> None:
    found = list(rule_sentences([{"until": until}]))
    assert [text[: len(start)] for text, start in zip(found, said, strict=True)] == said
    unknown = bool(until) and "path" not in (until or {})
    assert [" is unknown, for MLflow does not hold" in text for text in found] == [unknown] * len(
        said
    )
