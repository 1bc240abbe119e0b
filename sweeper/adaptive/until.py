"""Add whole seeds to a sweep until its claim is sharp, or epochs until its exponent is at rest.

Each round trains one more seed at every point that the claim is about, so that the estimand stays
the slope over the declared grid; or every trial for more epochs (`adaptive.convergence`). Either
has a budget. The rule looks at storage only: a sweep that was stopped, and is
run again, takes the same path. How the law's interval allows for the stopping is in
`analysis.laws.added_seeds`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sweeper.adaptive.convergence import converged_step
from sweeper.adaptive.stored_results import declared_law, own_results
from sweeper.grid.lengths import epochs_of
from sweeper.grid.seeds import LEAST_SEEDS, add_seed, seed_count
from sweeper.storage import ledger
from sweeper.sweep import Outcome, Sweep
from trainers.provenance import sweep_provenance

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

__all__ = ["replicate"]


@dataclass(frozen=True)
class _Look:
    """What the rule sees at a number of seeds; `chosen` are the trials that a seed is added to."""

    chosen: Sequence[str]
    met: bool
    facts: Mapping[str, Any]


def replicate(sweep: Sweep, drive: Callable[[Sweep], Outcome], console: Console) -> Outcome:
    """Drive a sweep, and drive it again with more seeds or epochs, until `until` says stop.

    Stops at once where a trial failed or the user interrupts. The path is in `sweep.json`.
    """
    sweep, skipped = _catch_up(sweep), None
    while True:
        outcome = drive(sweep)
        skipped = outcome.skipped if skipped is None else skipped
        grown = sweep if outcome.interrupted else _catch_up(sweep)
        ledger.write_sweep(grown, sweep_provenance())
        if grown.path and not outcome.interrupted:
            console.print(_sentence(grown), markup=False, highlight=False, soft_wrap=True)
        if grown.trials == sweep.trials:
            return replace(outcome, skipped=skipped)
        sweep = grown


def _catch_up(sweep: Sweep) -> Sweep:
    """Go along the path as far as finished trials lead, to the next round or to the end."""
    while True:
        states = ledger.status(sweep.storage, [trial.id for trial in sweep.trials]).values()
        if any(state == "failed" for state in states):
            return _with(sweep, {"end": "failed"})
        if any(state != "finished" for state in states):
            return sweep
        step, grown = _step(sweep)
        sweep = _with(sweep, step)
        if step["end"]:
            return sweep
        sweep = replace(grown, path=sweep.path)


def _with(sweep: Sweep, step: Mapping[str, Any]) -> Sweep:
    """A size of the sweep is looked at once: looking again replaces the last step."""
    assert sweep.until
    size: dict[str, Any] = {"trials": len(sweep.trials)}
    if "converged" in sweep.until:
        size["epochs"] = epochs_of(sweep)
    whole = size | dict(step)
    before = tuple(one for one in sweep.path if any(one[key] != size[key] for key in size))
    return replace(sweep, path=(*before, whole))


def _step(sweep: Sweep) -> tuple[dict[str, Any], Sweep]:
    """What the rule sees, with how it ends, and the sweep to train next."""
    from analysis.errors import AnalysisError

    assert sweep.until
    try:
        return (converged_step if "converged" in sweep.until else _seeds)(sweep)
    except AnalysisError as refusal:
        return {"end": "refused", "reason": str(refusal)}, sweep


def _seeds(sweep: Sweep) -> tuple[dict[str, Any], Sweep]:
    assert sweep.until
    look = _nu if "nu_halfwidth" in sweep.until else _equivalence
    seen = look(sweep, own_results(sweep)[0])
    seeds = seed_count(sweep, seen.chosen)
    end = None
    if seen.met and seeds >= _first_look(sweep.until):
        end = "met"
    elif seeds >= sweep.until["max_seeds"]:
        end = "budget"
    grown = sweep if end else add_seed(sweep, seen.chosen)
    return {"seeds": seeds, **seen.facts, "end": end}, grown


def _first_look(rule: Mapping[str, Any]) -> int:
    from analysis.laws.added_seeds import first_look

    return first_look(rule["max_seeds"]) if "nu_halfwidth" in rule else LEAST_SEEDS


def _nu(sweep: Sweep, trials: pd.DataFrame) -> _Look:
    """The t interval of per-seed slopes of the declared law; one seed has none."""
    from analysis.errors import MixedRows
    from analysis.laws.intervals import BY_SEED
    from analysis.laws.law import filtered
    from analysis.laws.powerlaw import fit

    assert sweep.until
    law = declared_law(sweep)
    found, chosen = fit(trials, law), list(filtered(trials, law)["trial"])
    if found.n_seeds == 1:
        return _Look(chosen, False, {"nu": found.nu, "halfwidth": None})
    if found.exponent.method != BY_SEED:
        raise MixedRows(f"the points of the law have different seeds: give every {law.x} the same")
    half = (found.ci_high - found.ci_low) / 2
    facts = {"nu": found.nu, "ci_low": found.ci_low, "ci_high": found.ci_high, "halfwidth": half}
    return _Look(chosen, half <= sweep.until["nu_halfwidth"], facts)


def _equivalence(sweep: Sweep, trials: pd.DataFrame) -> _Look:
    """The tests across disjoint seeds; all declared points grow, so that laws stay balanced."""
    from analysis.equivalence import UNDECIDED, across_seeds, each_look

    assert sweep.until
    margin, alpha = sweep.analysis["equivalence"]["margin"], each_look(sweep.until["max_seeds"])
    verdicts = Counter(one.verdict for one in across_seeds(trials, margin, alpha=alpha))
    chosen = [trial.id for trial in sweep.trials if trial.role == "declared"]
    return _Look(chosen, bool(verdicts) and not verdicts[UNDECIDED], {"verdicts": dict(verdicts)})


def _luck(rule: Mapping[str, Any]) -> str:
    """That few sweeps get as narrow as this one, where that is so."""
    from analysis.laws.added_seeds import few_meet

    width = rule.get("nu_halfwidth")
    return "" if width is None else few_meet(width, rule["max_seeds"])


def _sentence(sweep: Sweep) -> str:
    """What the last look saw, and what follows from it."""
    assert sweep.until
    last, longer = sweep.path[-1], "converged" in sweep.until
    what = "epochs" if longer else "seeds"
    none = "nothing is trained on" if longer else "no seed is added"
    follows = {
        "met": "; ".join(filter(None, ("enough", _luck(sweep.until)))),
        "budget": f"the budget of {sweep.until[f'max_{what}']} {what} is spent",
        "failed": f"a trial failed, so {none}",
        "refused": f"{none}: {last.get('reason')}",
        None: f"trained on to {epochs_of(sweep)} epochs" if longer else "one seed more",
    }
    said = follows[last["end"]]
    if last["end"] is None and not longer and last["seeds"] < (first := _first_look(sweep.until)):
        said = f"one seed more: the rule can be met from {first} seeds on"
    if last.get("halfwidth"):
        said = (
            f"{last['seeds']} seeds: ν = {last['nu']:.4g} ± {last['halfwidth']:.2g} (95 %, the "
            f"looks not yet allowed for; wanted: ± {sweep.until['nu_halfwidth']:g}): {said}"
        )
    elif "change" in last:
        interval = (
            f"95 %: {last['change_low']:.2g} to {last['change_high']:.2g}"
            if last["change_low"] is not None
            else "no interval"
        )
        said = (
            f"{last['epochs']} epochs: ν = {last['nu']:.4g}, which changes by "
            f"{last['change']:.2g} over the last fifth ({interval}; wanted: within ± "
            f"{sweep.until['converged']:g}): {said}"
        )
    elif "verdicts" in last:
        counted = ", ".join(f"{count} {verdict}" for verdict, count in last["verdicts"].items())
        said = f"{last['seeds']} seeds: {counted or 'no pair to test'}: {said}"
    return said
