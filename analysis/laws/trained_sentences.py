"""How long a law was trained, in words: the drift of ν, and the verdicts of its trials."""

from __future__ import annotations

import math

from analysis.laws.convergence import TOLERANCE
from analysis.laws.evidence import Evidence
from analysis.training import LEAST_STEPS
from analysis.training.verdicts import CONVERGED, DRIFTING, UNTRAINED
from analysis.wording import number, percent, plural

__all__ = ["law_trained"]


def law_trained(law: Evidence) -> str:
    """What the drift of ν over the last fifth of training, and its trials, allow one to say."""
    said = [_trained(law), _without_history(law)]
    if law.short:
        said.append(law.short.sentence(law.one_seed))
    elif law.convergence and (level := law.convergence.level_drifts):
        said.append(
            f"As to the level, by their own histories (KL, reconstruction error, ELBO) {level}."
        )
    return " ".join(text for text in said if text)


def _trained(law: Evidence) -> str:
    """By the drift of ν itself."""
    found = law.convergence
    if found is None:
        unknown = "The training length is unknown, and so is whether ν would still move."
        return "" if law.published else unknown
    verdict = found.verdict.capitalize()
    if found.verdict == UNTRAINED:
        if found.seldom:
            return (
                f"ν was measured at {plural(len(found.epochs), 'epoch')} of {found.last}, and a "
                f"verdict needs {LEAST_STEPS} (a smaller `test_every`, or longer training)."
            )
        return (
            f"{verdict}: after {plural(found.last, 'epoch')} ν still changes by "
            f"{number(found.drift.value, 2)} an epoch."
        )
    if found.verdict == CONVERGED:
        return (
            f"{verdict}: over the last fifth of {found.last} epochs ν changes by less than "
            f"{found.small:.2g}: {_drift(law)}{_onwards(law)}."
        )
    length = ", so that ν is the exponent of this training length" * (found.verdict == DRIFTING)
    return f"{verdict}: after {found.last} epochs {_drift(law)}{length}{_wide(law)}."


def _onwards(law: Evidence) -> str:
    """That a ν which moves little is not at rest, and how much longer its interval holds it."""
    found = law.convergence
    if found is None or not found.half > 0 or found.drift.low <= 0 <= found.drift.high:
        return ""
    more = max(1, math.floor(found.half / abs(found.drift.value)))
    return f"; it still moves, at this rate out of its interval after {plural(more, 'more epoch')}"


def _wide(law: Evidence) -> str:
    """That ν moves little, and yet out of its own narrow interval."""
    found = law.convergence
    if found is None or not found.wide:
        return ""
    change = found.change
    return (
        f"; over the last fifth that is {number(change.value, 2)} ({number(change.low, 2)} to "
        f"{number(change.high, 2)}): within ± {TOLERANCE:g}, but not within the "
        f"± {number(found.half, 2)} of its interval over seeds"
    )


def _without_history(law: Evidence) -> str:
    found = law.convergence
    if found is None or not found.missing:
        return ""
    return (
        f"ν by epoch leaves out the seeds of {plural(found.missing, 'value')} of {found.of} "
        "without a history until then."
    )


def _drift(law: Evidence) -> str:
    """``ν falls by 0.003 an epoch``, or its drift where the sign is not known, with interval."""
    assert law.convergence is not None
    drift = law.convergence.drift
    if not math.isfinite(drift.low):
        way = "falls" if drift.value < 0 else "rises"
        return f"ν {way} by {number(abs(drift.value), 2)} an epoch (one seed: no interval)"
    width = (
        f" ({percent(law.exponent.level)} over seeds: {number(drift.low, 2)} to "
        f"{number(drift.high, 2)})"
    )
    if drift.low <= 0 <= drift.high:
        return f"the drift of ν is {number(drift.value, 2)} an epoch{width}"
    way = "falls" if drift.value < 0 else "rises"
    return f"ν {way} by {number(abs(drift.value), 2)} an epoch{width}"
