"""How the rule `until` of a sweep ended, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from analysis.wording import number

__all__ = ["rule_sentences"]

_ENDS = {
    "met": "was met after {epochs} epochs: {change}",
    "budget": "was not met within its budget of {max_epochs} epochs: {change}",
    "failed": "did not go on after {epochs} epochs, for a trial failed",
    "refused": "did not go on after {epochs} epochs: {reason}",
    "None": "is not met after {epochs} epochs: {change}",
}


def rule_sentences(sweeps: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """One for each sweep with a rule on the epochs, from the path in its sweep.json.

    MLflow does not keep the path; then one for each sweep with a rule, that its end is unknown.
    """
    for sweep in sweeps:
        until = sweep.get("until") or {}
        rule, path = until.get("rule") or {}, until.get("path") or ()
        if rule and "path" not in until:
            yield (
                f"{_named(rule)}: whether it added seeds or epochs, and how it ended, is unknown, "
                "for MLflow does not hold its path; intervals and tests allow for added seeds."
            )
        elif rule.get("converged") and path:
            step = path[-1]
            told = _ENDS[str(step.get("end"))].format(
                epochs=step.get("epochs"),
                max_epochs=rule["max_epochs"],
                change=_change(step),
                reason=step.get("reason"),
            )
            yield f"{_named(rule)} {told}."


def _named(rule: Mapping[str, Any]) -> str:
    if rule.get("converged"):
        return f"The rule that ν changes by less than {rule['converged']:g}"
    if rule.get("nu_halfwidth"):
        return f"The rule that the interval of ν is ± {rule['nu_halfwidth']:g}"
    return "The rule that every equivalence is decided"


def _change(step: Mapping[str, Any]) -> str:
    if "change" not in step:
        return "ν is not known"
    low, high = step["change_low"], step["change_high"]
    width = f" (95 % over seeds: {number(low, 2)} to {number(high, 2)})" if low is not None else ""
    return f"{number(step['change'], 2)}{width} over the last fifth of training"
