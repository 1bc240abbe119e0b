"""`sweeper fit`: the power law of an experiment, of a published table or of any runs."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sweeper.commands.asked_hypothesis import against_of
from sweeper.commands.asked_law import grid_settings, law_of
from sweeper.commands.shared import add_experiment, add_json, load_chosen
from sweeper.commands.tables import add_table, columns, from_table, load_table, where_of
from sweeper.errors import UserError
from sweeper.terminal.screen import console, print_bullets, print_json

if TYPE_CHECKING:
    from analysis.figures.drawing.claims import Claim
    from analysis.laws.components import Component
    from analysis.laws.equal_exponents import EqualExponents
    from analysis.laws.group_laws import GroupLaw
    from analysis.laws.powerlaw import Law, PowerLaw
    from analysis.sources.columns import Columns
    from analysis.sources.schema import Experiment

__all__ = ["EXAMPLE", "HELP", "NAME", "add_arguments", "run"]

NAME = "fit"
EXAMPLE = "sweeper fit digits --model sigma_vae"
HELP = "fit a power law: exponent, interval, curvature and rival forms"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_experiment(parser, optional=True)
    parser.add_argument("--model", help="rows of this model (β = 1, declared trials only)")
    parser.add_argument(
        "--range",
        nargs=2,
        type=float,
        metavar=("LOW", "HIGH"),
        help="fit over this range of x only (default: the grid's, of its law)",
    )
    parser.add_argument(
        "--published", metavar="TABLE", help="fit a table of the papers, such as s1_table1"
    )
    parser.add_argument(
        "--against",
        metavar="VALUE",
        help="test ν = a number, that of a published table (s1_table1), `published` (the papers' "
        "ν of this law) or `linear` (that of the linear theory on the same data)",
    )
    add_table(
        parser,
        " (default: the grid's, else the model's noise level)",
        " (default: the grid's, test/kl if it names none)",
        "; ν is tested for being equal between them (of EXPERIMENT, one field)",
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    if from_table(arguments, ("x", "y", "where", "group")):
        return _run_table(arguments)
    where_of(arguments)  # refused before anything is read
    if arguments.published and (arguments.group or arguments.against == "linear"):
        raise UserError("--group and --against linear need an experiment, and not --published")
    if arguments.published:
        _one_law(arguments, _table_law(arguments.published), None)
        return 0
    _require_one_question(arguments)
    experiment = load_chosen(arguments)
    try:
        _of_experiment(arguments, experiment)
    finally:  # it also explains why there is no law yet
        if not arguments.json:
            _show_left_out(experiment)
    return 0


def _require_one_question(arguments: argparse.Namespace) -> None:
    if arguments.group and arguments.against is not None:
        raise UserError("ask for one test: --against or --group")
    if len(arguments.group) > 1:
        raise UserError("--group takes one field of an experiment")


def _of_experiment(arguments: argparse.Namespace, experiment: Experiment) -> None:
    """Print ν between groups, or the law in each group of settings, or the one law."""
    if arguments.group:
        return _grouped(arguments, experiment)
    if arguments.against is None:
        claims = _claims(arguments, experiment)
        if len(claims) > 1:
            return _show_claims(claims, arguments.json)
    return _one_law(arguments, _measured(arguments, experiment), experiment)


def _one_law(arguments: argparse.Namespace, law: PowerLaw, experiment: Experiment | None) -> None:
    """Print a law with the test that --against asks for."""
    test = None if arguments.against is None else against_of(arguments.against, law, experiment)
    parts = _variance(law, experiment) if experiment else []
    if arguments.json:
        more = {"against": test.to_json()} if test else {}
        variance = {"variance": [one.to_json() for one in parts]} if parts else {}
        print_json(law.to_json() | more | variance)
    else:
        _show(law, [test.sentence()] if test else [], parts)


def _show_left_out(experiment: Experiment) -> None:
    """Say how many trials failed or are not finished yet."""
    from analysis.sources.statuses import said_of_failed, said_of_unfinished

    trials = experiment.trials
    left = [one for one in (said_of_failed(trials), said_of_unfinished(trials)) if one]
    if left:
        print_bullets(console(), left)


def _claims(arguments: argparse.Namespace, experiment: Experiment) -> Sequence[Claim]:
    """The law in each group of settings; the report's own numbers of a law that it has."""
    from analysis.report.experiment_laws import group_laws

    return group_laws(experiment, _law(arguments, experiment), grid_settings(experiment))


def _show_claims(claims: Sequence[Claim], as_json: bool) -> None:
    """A law a group, with its name."""
    if as_json:
        groups = [
            {
                "label": one.family.label,
                "group": dict(one.family.fields),
                **(one.law.to_json() if one.law else {"refusal": one.refusal}),
            }
            for one in claims
        ]
        print_json({"groups": groups})
        return
    for one in claims:
        console().print(f"\n{one.family.label}", markup=False, style="bold")
        if one.law:
            _show(one.law, [])
        else:
            print_bullets(console(), [one.refusal])


def _variance(law: PowerLaw, experiment: Experiment) -> list[Component]:
    from analysis.laws.components import components

    return components(law, experiment.trials, experiment.examples)


def _run_table(arguments: argparse.Namespace) -> int:
    from analysis.laws.equal_exponents import equal_between
    from analysis.laws.group_laws import fit_groups, in_one_family, undeclared

    wanted = columns(arguments)
    table = load_table(arguments, wanted)
    ends = tuple(arguments.range) if arguments.range else None
    found = undeclared(fit_groups(table, wanted, ends))
    laws, value = {one.label: one.law for one in found if one.law}, arguments.against
    equal = equal_between(laws) if len(laws) > 1 and value is None else None
    each = [against_of(value, law) for law in laws.values()] if value is not None else []
    found, corrected = in_one_family(found, equal.pairs if equal else each)
    equal = replace(equal, pairs=tuple(corrected)) if equal else None
    tests = {} if equal else dict(zip(laws, corrected, strict=False))
    parts = _of_splits(arguments, wanted, found)
    if arguments.json:
        told: dict[str, dict[str, Any]] = {
            label: {"against": test.to_json()} for label, test in tests.items()
        }
        for label, part in parts.items():
            told[label] = told.get(label, {}) | {"variance": [part.to_json()]}
        groups = [one.to_json() | told.get(one.label, {}) for one in found]
        pairs = {"equal": equal.to_json()["pairs"]} if equal else {}
        note = {"note": equal.note} if equal and equal.note else {}
        print_json({"groups": groups, **pairs, **note} if wanted.group else groups[0])
        return 0
    for one in found:
        if one.label:
            console().print(f"\n{one.label}", markup=False, style="bold")
        if one.law:
            variance = [parts[one.label]] if parts else []
            _show(one.law, [tests[one.label].sentence()] if tests else [], variance)
        else:
            print_bullets(console(), [one.refusal])
    if equal:
        console().print("\nequal ν?", markup=False, style="bold")
        _show_pairs(equal)
    return 0


def _of_splits(
    arguments: argparse.Namespace, wanted: Columns, found: Sequence[GroupLaw]
) -> dict[str, Component]:
    """What the splits of the data add to the variance of each group's ν; nothing without --split.

    Of all rows, for those that laws are fitted to are means over the splits.
    """
    from analysis.laws.components import of_split
    from analysis.sources.rows import matching

    if wanted.split is None:
        return {}
    assert wanted.x is not None
    assert wanted.seed is not None
    names = (wanted.x, wanted.y, wanted.seed, wanted.split)
    rows = load_table(arguments, replace(wanted, split=None)).frame
    parts = {}
    for one in found:
        if one.law:
            mine = rows[matching(rows, one.fields)]
            ends = one.law.x_min * (1 - 1e-9), one.law.x_max * (1 + 1e-9)
            parts[one.label] = of_split(mine[mine[wanted.x].between(*ends)], names)
    return parts


def _grouped(arguments: argparse.Namespace, experiment: Experiment) -> None:
    """Print ν in each pair of values of a field, as sentences or JSON."""
    from analysis.laws.equal_exponents import equal_exponents

    law, over = _law(arguments, experiment), arguments.group[0]
    if over in law.where and over not in where_of(arguments):
        law = _without(law, over)
    said = [law.post_hoc, "the comparison was asked for after the run"]
    law = replace(law, post_hoc="; ".join(filter(None, said)))
    found = equal_exponents(experiment.trials, law, over, history=experiment.history)
    if arguments.json:
        print_json({"over": over, **found.to_json()})
    else:
        _show_pairs(found)


def _show_pairs(found: EqualExponents) -> None:
    """Each pair of groups, the groups without a law, and which of p and interval decides."""
    left = [f"{name}: {why}" for name, why in found.left_out.items()]
    print_bullets(console(), [pair.sentence() for pair in found.pairs] + left)
    if found.note:
        console().print(f"\n{found.note}", markup=False)


def _without(law: Law, name: str) -> Law:
    """The law without what it declares of a field."""
    said = [law.post_hoc, f"the law was declared for {name} = {law.where[name]}"]
    where = {field: value for field, value in law.where.items() if field != name}
    return replace(law, where=where, post_hoc="; ".join(filter(None, said)))


def _table_law(name: str) -> PowerLaw:
    from analysis import published

    return published.law(name)


def _measured(arguments: argparse.Namespace, experiment: Experiment) -> PowerLaw:
    from analysis.laws import powerlaw

    law = _law(arguments, experiment)
    return powerlaw.fit(experiment.trials, law, history=experiment.history)


def _law(arguments: argparse.Namespace, experiment: Experiment) -> Law:
    where = where_of(arguments)
    if arguments.model:
        where["model"] = arguments.model
    ends = tuple(arguments.range) if arguments.range else None
    return law_of(experiment, arguments.x, arguments.y, ends, where)


def _show(law: PowerLaw, tests: list[str], parts: Sequence[Component] = ()) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False)
    for name, value in _rows(law):
        if "nan" not in value:
            table.add_row(name, value)
    for one in parts:
        known = f"{one.sd:.2g} ({one.of})" if math.isfinite(one.sd) else one.of
        table.add_row(f"sd of ν, {one.name}", known)
    screen = console()
    screen.print(table)
    screen.print()
    print_bullets(screen, [*tests, *law.sentences()])


def _rows(law: PowerLaw) -> list[tuple[str, str]]:
    from analysis.laws.prediction import prediction

    found = prediction(law)
    new = found and found.nu
    seeds = f" ({law.n_seeds} seed{'s' * (law.n_seeds > 1)})" if law.n_seeds else ""
    curve = " of the points of this curve" if law.n_seeds < 2 else ""
    by_itself = " (95 %, by itself)" * (law.exponent.family > 1)
    return [
        ("law", f"{law.law.y} ~ {law.law.x}^-ν, {law.law.x} = {law.x_min:g} … {law.x_max:g}"),
        ("ν", f"{law.nu:.4f}"),
        (f"95 % interval{curve}", f"{law.ci_low:.4f} … {law.ci_high:.4f}, {law.exponent.method}"),
        (f"one more run{by_itself}", f"{new.low:.4f} … {new.high:.4f}" if new else "nan"),
        ("R²", f"{law.r2:.4f}"),
        ("n", f"{law.n}{seeds}"),
        (f"{_holm(law.p_holm)}p (ν = 0){curve}", _of_zero(law)),
        ("curvature", f"{law.curvature:.4f} ({_curvature_test(law)})"),
    ]


def _of_zero(law: PowerLaw) -> str:
    """The p of ν = 0; none where trials are not trained."""
    return f"{law.corrected_p:.2g}" if law.claimed else "no claim: not trained"


def _holm(corrected: float | None) -> str:
    return "" if corrected is None else "Holm "


def _curvature_test(law: PowerLaw) -> str:
    """The p of the bend, or why there is none."""
    if not math.isfinite(law.curvature_p):
        return "tested from three seeds on"
    return f"{_holm(law.bend_holm)}p = {law.curvature_p:.2g}"
