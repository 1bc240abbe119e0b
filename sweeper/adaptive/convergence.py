"""Whether the exponent still moves, and the sweep trained on until it does not.

A round looks at the change of ν over the last fifth of training: enough if its whole 95 % interval
over seeds lies within the tolerance. Otherwise every trial of the sweep goes on to twice as many
epochs, within the budget. A look at which ν moves by just the tolerance is taken for enough in at
most 2.5 % of sweeps; doubling keeps the looks few.
"""

from __future__ import annotations

from typing import Any

from sweeper.adaptive.stored_results import declared_law, own_results
from sweeper.grid.lengths import epochs_of, train_on
from sweeper.sweep import Sweep

__all__ = ["converged_step"]


def converged_step(sweep: Sweep) -> tuple[dict[str, Any], Sweep]:
    """What the rule sees at this length, with how it ends, and the sweep to train next.

    Raises `AnalysisError` where the law cannot be fitted.
    """
    from analysis.errors import TooFewRows
    from analysis.laws.powerlaw import fit
    from analysis.training.verdicts import CONVERGED

    assert sweep.until
    trials, history = own_results(sweep)
    found = fit(trials, declared_law(sweep), history=history)
    curve = found.convergence
    if curve is None:
        raise TooFewRows(f"{found.law.y} was measured at fewer than two epochs of every trial")
    epochs, most = epochs_of(sweep), int(sweep.until["max_epochs"])
    met = curve.within(sweep.until["converged"]) == CONVERGED
    end = "met" if met else "budget" if epochs >= most else None
    facts = {
        "epochs": epochs,
        "nu": found.nu,
        "change": curve.change.value,
        "change_low": _plain(curve.change.low),
        "change_high": _plain(curve.change.high),
        "end": end,
    }
    return facts, sweep if end else train_on(sweep, min(2 * epochs, most))


def _plain(value: float) -> float | None:
    return value if value == value else None
