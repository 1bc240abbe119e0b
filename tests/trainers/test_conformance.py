"""Every objective, network, likelihood and corruption keeps every rule."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from trainers import Trial
from trainers.conformance import calls, training
from trainers.conformance.examples import combinations, label
from trainers.trial import PARTS

TRIALS = list(combinations())
LOSSES = {
    (trial.objective.name, trial.likelihood and trial.likelihood.name, trial.corrupts): trial
    for trial in TRIALS
}
OF_A_LOSS = (training.losses_are_means_over_examples, calls.noise_comes_from_declared_streams)
OF_A_TRIAL = [rule for rule in (*calls.RULES, *training.RULES) if rule not in OF_A_LOSS]


def named(rule: Callable[[Trial], None]) -> str:
    return rule.__name__


def test_every_component_takes_part() -> None:
    """No objective, network, likelihood or corruption is left out of this suite."""
    for kind in ("objective", "network", "likelihood", "corruption"):
        used = {part.name for trial in TRIALS if (part := getattr(trial, kind)) is not None}
        assert used == set(PARTS[kind])


@pytest.mark.parametrize("rule", OF_A_TRIAL, ids=named)
@pytest.mark.parametrize("trial", TRIALS, ids=label)
def test_every_combination_keeps_the_rules(trial: Trial, rule: Callable[[Trial], None]) -> None:
    rule(trial)


@pytest.mark.parametrize("rule", OF_A_LOSS, ids=named)
@pytest.mark.parametrize("trial", LOSSES.values(), ids=label)
def test_every_loss_keeps_the_rules(trial: Trial, rule: Callable[[Trial], None]) -> None:
    rule(trial)
