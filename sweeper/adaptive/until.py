"""Add whole seeds to a sweep until its claim is sharp, or its budget is spent.

Each round trains one more seed at every point that the claim is about, so that the estimand stays
the slope over the declared grid. The rule looks at storage only: a sweep that was stopped, and is
run again, takes the same path. What the stopping does to the coverage of the interval is in
`analysis.laws.coverage.cover_until`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sweeper.grid.seeds import LEAST_SEEDS, add_seed, seed_count
from sweeper.storage import ledger, paths
from sweeper.storage.provenance import provenance
from sweeper.sweep import Outcome, Sweep

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
    """Drive a sweep, and drive it again with more seeds, until the rule of `until` says stop.

    Stops at once where a trial failed or the user interrupts. The path is in `sweep.json`.
    """
    sweep, skipped = _catch_up(sweep), None
    while True:
        outcome = drive(sweep)
        skipped = outcome.skipped if skipped is None else skipped
        grown = sweep if outcome.interrupted else _catch_up(sweep)
        ledger.write_sweep(grown, provenance())
        if grown.path and not outcome.interrupted:
            console.print(_sentence(grown), markup=False, highlight=False, soft_wrap=True)
        if len(grown.trials) == len(sweep.trials):
            return replace(outcome, skipped=skipped)
        sweep = grown


def _catch_up(sweep: Sweep) -> Sweep:
    """Go along the path as far as finished trials lead, to the next seed or to the end."""
    while True:
        states = ledger.status(sweep.storage, [trial.id for trial in sweep.trials]).values()
        if any(state == "failed" for state in states):
            return _with(sweep, {"end": "failed"})
        if any(state != "finished" for state in states):
            return sweep
        step, chosen = _step(sweep)
        sweep = _with(sweep, step)
        if step["end"]:
            return sweep
        sweep = add_seed(sweep, chosen)


def _with(sweep: Sweep, step: Mapping[str, Any]) -> Sweep:
    """A number of trials is looked at once: looking again replaces the last step."""
    whole = {"trials": len(sweep.trials), **step}
    before = tuple(one for one in sweep.path if one["trials"] != whole["trials"])
    return replace(sweep, path=(*before, whole))


def _step(sweep: Sweep) -> tuple[dict[str, Any], Sequence[str]]:
    from analysis.errors import AnalysisError

    assert sweep.until
    look = _nu if "nu_halfwidth" in sweep.until else _equivalence
    try:
        seen = look(sweep, _frame(sweep))
    except AnalysisError as refusal:
        return {"end": "refused", "reason": str(refusal)}, ()
    seeds = seed_count(sweep, seen.chosen)
    end = None
    if seen.met and seeds >= LEAST_SEEDS:
        end = "met"
    elif seeds >= sweep.until["max_seeds"]:
        end = "budget"
    return {"seeds": seeds, **seen.facts, "end": end}, seen.chosen


def _nu(sweep: Sweep, trials: pd.DataFrame) -> _Look:
    """The t interval of per-seed slopes of the declared law; one seed has none."""
    from analysis.errors import MixedRows
    from analysis.laws.intervals import BY_SEED
    from analysis.laws.law import Law, filtered
    from analysis.laws.powerlaw import fit

    assert sweep.until
    given = dict(sweep.analysis["law"])
    law = Law(**given | ({"range": tuple(given["range"])} if given.get("range") else {}))
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


def _frame(sweep: Sweep) -> pd.DataFrame:
    """The sweep's own trials, and no other of its experiment."""
    from analysis.sources.frames import trials_frame
    from analysis.sources.storage import SweepEntry, read_trial
    from analysis.sources.stored_files import newest_commit

    rows = []
    for trial in sweep.trials:
        commit = newest_commit(str(paths.trial_folder(sweep.storage, trial.id)))
        member = SweepEntry(trial.id, trial.role, trial.twin_of, trial.label)
        rows.append(read_trial(sweep.storage, member, commit).row)
    return trials_frame(rows)


def _sentence(sweep: Sweep) -> str:
    """What the last look saw, and what follows from it."""
    assert sweep.until
    last = sweep.path[-1]
    follows = {
        "met": "enough",
        "budget": f"the budget of {sweep.until['max_seeds']} seeds is spent",
        "failed": "a trial failed, so no seed is added",
        "refused": f"no seed is added: {last.get('reason')}",
        None: "one seed more",
    }
    said = follows[last["end"]]
    if last.get("halfwidth"):
        said = (
            f"{last['seeds']} seeds: ν = {last['nu']:.4g} ± {last['halfwidth']:.2g} (95 %; "
            f"wanted: ± {sweep.until['nu_halfwidth']:g}): {said}"
        )
    elif "verdicts" in last:
        counted = ", ".join(f"{count} {verdict}" for verdict, count in last["verdicts"].items())
        said = f"{last['seeds']} seeds: {counted or 'no pair to test'}: {said}"
    return said
