"""A law in one sentence that a reader can quote: the exponent, its interval and its caveats."""

from __future__ import annotations

import math

from analysis.laws.evidence import Evidence
from analysis.training.verdicts import CONVERGED
from analysis.wording import listed, number, percent, plural, quantity, symbol

__all__ = ["law_answer"]


def law_answer(law: Evidence) -> str:
    """``KL goes as σ^−ν with ν = 1.24 (95 %: 1.17 to 1.31, 3 seeds), but ...``.

    The caveats: training that is short, drifting or of unknown length, a bend, a lack of fit, a
    single seed, what was chosen after the run.
    """
    y, x, found = quantity(law.law.y), symbol(law.law.x), law.convergence
    if law.untrained:
        why = "too few epochs were measured" if found and found.seldom else "training is too short"
        return f"There is no answer yet: for a law of {y} against {x}, {why}."
    if not math.isfinite(law.nu):
        return ""
    caveats = _caveats(law)
    if law.short:
        length = f" after {plural(found.last, 'epoch')}" if found else ""
        also = f", and {listed(caveats)}" * bool(caveats)
        return (
            f"No law of {y} against {x} is claimed, for {law.short.count}{length}; fitted to all "
            f"of them, ν = {_spread(law)}{also}."
        )
    if not law.corrected_p < 1 - law.exponent.level:
        of_curve = " by the points of this one curve" * (law.n_seeds < 2)
        return f"That {y} depends on {x} is not established{of_curve}: ν = {_spread(law)}."
    after = f"After {plural(found.last, 'epoch')} {y}" if found else f"{y[0].upper()}{y[1:]}"
    power = f"{after} goes as {x}^−ν with ν = {_spread(law)}"
    return f"{power}{', but ' if caveats else ''}{listed(caveats)}."


def _spread(law: Evidence) -> str:
    tests = law.exponent.family
    if law.n_seeds < 2 or not math.isfinite(law.ci_low):
        return number(law.nu)
    at_once = f" at once with {plural(tests - 1, 'more test')}" * (tests > 1)
    return (
        f"{number(law.nu)} ({percent(law.exponent.level)}{at_once}: "
        f"{number(law.ci_low)} to {number(law.ci_high)}, {plural(law.n_seeds, 'seed')})"
    )


def _caveats(law: Evidence) -> list[str]:
    said, found = [], law.convergence
    if law.law.post_hoc:
        said.append(f"{law.law.post_hoc} (post hoc)")
    if law.n_seeds < 2:
        said.append("one seed says nothing of another")
    if found is None:
        said.append("how long was trained is unknown")
    elif found.verdict != CONVERGED:
        said.append(f"ν is {found.verdict}")
    if found and found.level_drifts and not law.short:
        said.append(f"as to the level, {found.level_drifts}")
    if law.shape_tested and law.bends:
        ends = f" from {number(law.local[0].nu)} to {number(law.local[-1].nu)}" * bool(law.local)
        said.append(f"the line bends: its local exponent goes{ends}" if ends else "the line bends")
    if law.lacks:
        said.append("its points leave the line by more than seeds scatter")
    return said
