"""Check that the law, the search and the stopping rule of a grid fit its trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from analysis.comparisons.goals import beside
from sweeper.errors import Address, UserError
from sweeper.grid.blocks import known_keys
from sweeper.grid.complaints import nearest
from sweeper.grid.document import Document
from sweeper.grid.reported import PARTS, reported
from sweeper.grid.schema import LawSection
from sweeper.grid.seeds import LEAST_SEEDS
from sweeper.sweep import PlannedTrial, Search, Sweep
from trainers.fields import describe_fields
from trainers.registry import name_of

__all__ = ["check_choice", "check_law", "check_search", "check_until"]

FACTS = ("role", "status", "epoch", "checksum", "label")  # of a trial, once it has run
LAW_X = ("analysis", "law", "x")
LAW_WHERE = ("analysis", "law", "where")
USUAL = ("test/kl", "test/recon", "test/denoise")  # not checked: importing torch takes 2 s


def check_law(document: Document, law: LawSection, trials: Sequence[PlannedTrial]) -> None:
    """Raise `UserError` if the law's x, y or `where` names a field or metric that no trial has.

    Only values given in the grid are checked, not the defaults. The metrics of `USUAL` are not
    checked either; the report states if they are missing.
    """
    known = {name for one in trials for name in one.params}
    asked: list[tuple[Address, str]] = [(LAW_X, law.x)]
    asked += [((*LAW_WHERE, name), name) for name in law.where or () if name not in FACTS]
    for place, name in asked:
        if place in document.lines and name not in known:
            with document.mistakes.independent():
                raise document.error(
                    f"no trial of this grid has {name!r}{nearest(name, known)} "
                    f"(known here: {', '.join(sorted(known))})",
                    place,
                )
    place = ("analysis", "law", "y")
    if place in document.lines and law.y not in USUAL:
        fitted = [one for one in trials if law.x in one.params]
        _require_metric(document, place, law.y, fitted or trials)


def check_law_keys(document: Document) -> None:
    """What `check_law` finds in a grid that has other errors, so that its trials are not known."""
    known = known_keys() | {"seed", "components"}
    for place in document.lines:
        if place == LAW_X or place[:-1] == LAW_WHERE:
            name = document.value(place) if place == LAW_X else place[-1]
            if isinstance(name, str) and name not in (*FACTS, *known):
                with document.mistakes.independent():
                    raise document.error(
                        f"no trial of a grid has {name!r}{nearest(name, known)}", place
                    )


def check_choice(
    document: Document, choose: Mapping[str, str] | None, trials: Sequence[PlannedTrial]
) -> None:
    """Raise `UserError` if the field of `analysis.choose` cannot be chosen by its metric."""
    for name, metric in (choose or {}).items():
        place = ("analysis", "choose", name)
        values = {one.params[name] for one in trials if _is_number(one.params.get(name))}
        if len(values) < 2:
            raise document.error(
                f"a value is chosen from two numbers or more, and {name} has "
                f"{', '.join(map(str, sorted(values))) or 'none'} in this grid: list them, as in "
                "`lr: [1e-4, 3e-4, 1e-3]`",
                place,
            )
        if any(one.role != "declared" for one in trials):
            raise document.error(
                "a twin or merged trial follows its partner, which may not be chosen: write "
                "`aliases: keep`",
                place,
            )
        _require_metric(document, place, metric, trials)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _require_metric(
    document: Document, place: Address, name: str, trials: Sequence[PlannedTrial]
) -> None:
    """What evaluations find has names that are known when they have found it."""
    known = {metric for _, metrics in reported(trials) for metric in metrics}
    recorded = name.partition("/")[0] in PARTS or not any(one.evaluate for one in trials)
    if recorded and name not in known:
        raise document.error(
            f"no trial of this grid reports {name!r}{nearest(name, known)} "
            f"(they report {', '.join(sorted(known))})",
            place,
        )


def check_search(sweep: Sweep, foreseen: Sequence[PlannedTrial]) -> None:
    """Raise `UserError` if a search that uses results cannot work, before anything is trained.

    `foreseen` : the trials of the sweep, and examples of those that the search will propose.
    """
    if not sweep.search:
        return
    if sweep.search.goals and any(one.priority for one in foreseen):
        raise UserError(
            f"{sweep.search.name} chooses itself what is trained next: leave `priority` out"
        )
    merges = sweep.proposals and sweep.proposals.merges
    if merges or any(one.role in ("twin", "merged") for one in foreseen):
        raise UserError(
            f"{sweep.search.name} does not train every trial to its end, and a twin "
            "needs its partner, as a merged trial does: write `aliases: keep`"
        )
    if sweep.search.goals and len({one.params.get("data_split_seed") for one in foreseen}) > 1:
        raise UserError(
            f"{sweep.search.name} chooses between points, and `split_seeds` makes several of "
            "each: leave it out, and vary the split of what is found"
        )
    _check_goals(sweep.search, foreseen)
    sweep.search.check(sweep.trials)


def _check_goals(search: Search, trials: Sequence[PlannedTrial]) -> None:
    """Every trial reports every metric that is looked for; one of each kind is asked.

    What evaluations find has names that are known when they have found it.
    """
    for one, known in reported(trials):
        for goal, _ in search.goals:
            recorded = goal.partition("/")[0] in PARTS or search.midway
            if goal not in known and beside(goal) in known:
                raise UserError(_nothing_apart(one, goal))
            if goal not in known and (recorded or not one.evaluate):
                raise UserError(
                    f"{one.params['model']} reports no metric {goal!r}"
                    f"{nearest(goal, known)} (it reports {', '.join(sorted(known))})"
                )


def _nothing_apart(trial: PlannedTrial, goal: str) -> str:
    data = trial.trial.data
    remedy = (
        f"set examples apart with `data: {{name: {name_of(data)}, validation: 200}}`"
        if any(field.name == "validation" for field in describe_fields(type(data)))
        else f"{name_of(data)} can set none apart"
    )
    return (
        f"the search chooses by {goal}, and the data have no validation part: {remedy}; or name "
        f"`metric: {beside(goal)}` to choose on the test part all the same"
    )


def check_until(sweep: Sweep) -> None:
    """Raise `UserError` if the rule in `until` can never be met, before anything is trained."""
    if not sweep.until:
        return
    if sweep.search:
        raise UserError(
            f"`until` adds seeds or epochs to all points of a grid, and {sweep.search.name} "
            "does not train all of them: leave one of the two out"
        )
    if "choose" in sweep.analysis:
        raise UserError(
            "`until` looks at a law of all trials, and `analysis.choose` makes it one of chosen "
            "trials: leave one of the two out"
        )
    declared = [trial for trial in sweep.trials if trial.role == "declared"]
    if "converged" in sweep.until:
        _check_law_points(sweep, declared, "converged")
        _check_converged(sweep, declared)
        return
    if "nu_halfwidth" in sweep.until:
        _check_law_points(sweep, declared, "nu_halfwidth")
    elif all(trial.params.get("beta", 1) == 1 for trial in declared):
        raise UserError(
            "equivalence is tested between rows with β ≠ 1 and their partners, "
            "trained with independent seeds: add such rows with `aliases: keep` "
            "(twins share their seeds)"
        )
    if sweep.until["max_seeds"] < LEAST_SEEDS:
        raise UserError(
            f"max_seeds must be at least {LEAST_SEEDS}: stopping at fewer seeds, the "
            "interval covers less than it says"
        )


def _check_law_points(sweep: Sweep, declared: Sequence[PlannedTrial], rule: str) -> None:
    x = sweep.analysis["law"]["x"]
    values = {
        trial.params[x]
        for trial in declared
        if x in trial.params and (x == "beta" or trial.params.get("beta", 1) == 1)
    }
    if len(values) < 3:
        raise UserError(
            f"{rule} is about the law of {x}, and a law needs three values "
            f"of {x} (with β = 1); this grid has {len(values)}; see `analysis: "
            "{law: {x: ...}}`"
        )


def _check_converged(sweep: Sweep, declared: Sequence[PlannedTrial]) -> None:
    """Every trial can be trained on, within the budget, and ν has an interval at every epoch."""
    assert sweep.until
    if not all(trial.trial.training.extendable for trial in sweep.trials):
        raise UserError(
            "converged trains every trial on, for which it must keep its optimizer's state: write "
            "`extendable: true` among the defaults"
        )
    epochs = {int(trial.params["epochs"]) for trial in sweep.trials}
    if len(epochs) > 1 or max(epochs) >= sweep.until["max_epochs"]:
        raise UserError(
            "converged begins with one number of epochs for all trials, below max_epochs: "
            f"{sweep.until['max_epochs']}; this grid has {', '.join(map(str, sorted(epochs)))}"
        )
    y = sweep.analysis["law"]["y"]
    if y.partition("/")[0] not in PARTS:
        raise UserError(f"converged looks at ν at every epoch, and {y} is known at the last alone")
    if len({trial.params["seed"] for trial in declared}) < 2:
        raise UserError(
            "converged looks at the interval of a change over seeds: give the grid two seeds or "
            "more"
        )
