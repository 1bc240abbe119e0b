"""`sweeper fit`: the power law of an experiment, of a published table or of any runs."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sweeper.commands.report import declared
from sweeper.commands.shared import add_experiment, add_json, load_chosen, settings
from sweeper.commands.tables import add_table, columns, from_table, load_table, where_of
from sweeper.errors import UserError
from sweeper.terminal.screen import console, print_bullets, print_json

if TYPE_CHECKING:
    import pandas as pd

    from analysis.figures.drawing.claims import Claim
    from analysis.laws.components import Component
    from analysis.laws.equal_exponents import EqualExponents
    from analysis.laws.hypotheses import Against
    from analysis.laws.powerlaw import Law, PowerLaw
    from analysis.sources.schema import Experiment, Spectrum

__all__ = ["EXAMPLE", "HELP", "NAME", "add_arguments", "law_of", "run"]

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
        help="test ν = a number, `published` (the papers' ν of this law) or `linear` (that of the "
        "linear theory on the same data)",
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
        if arguments.against is not None:
            raise UserError("--against takes an experiment of ours or --published")
        return _run_table(arguments)
    where_of(arguments)  # refused before anything is read
    if arguments.published and (arguments.group or arguments.against == "linear"):
        raise UserError("--group and --against linear need an experiment, and not --published")
    if arguments.group:
        return _grouped(arguments)
    experiment = None if arguments.published else load_chosen(arguments)
    if experiment and arguments.against is None:
        claims = _claims(arguments, experiment)
        if len(claims) > 1:
            return _show_claims(claims, arguments.json)
    law = _published(arguments) if experiment is None else _measured(arguments, experiment)
    test = None if arguments.against is None else _against(arguments.against, law, experiment)
    parts = _variance(law, experiment) if experiment else []
    if arguments.json:
        more = {"against": test.to_json()} if test else {}
        variance = {"variance": [one.to_json() for one in parts]} if parts else {}
        print_json(law.to_json() | more | variance)
    else:
        _show(law, [test.sentence()] if test else [], parts)
    return 0


def _claims(arguments: argparse.Namespace, experiment: Experiment) -> Sequence[Claim]:
    """The law in each group of settings; without options the report's own numbers."""
    from analysis.report.experiment_laws import group_laws

    chosen = (arguments.x, arguments.y, arguments.range, arguments.model, arguments.where)
    law = _law(arguments, experiment)
    if any(chosen):
        return group_laws(experiment, law)
    return group_laws(
        experiment, law, settings(declared(experiment.sweeps), sweeps=experiment.sweeps)
    )


def _show_claims(claims: Sequence[Claim], as_json: bool) -> int:
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
        return 0
    for one in claims:
        console().print(f"\n{one.family.label}", markup=False, style="bold")
        if one.law:
            _show(one.law, [])
        else:
            print_bullets(console(), [one.refusal])
    return 0


def _variance(law: PowerLaw, experiment: Experiment) -> list[Component]:
    from analysis.laws.components import components

    return components(law, experiment.trials, experiment.examples)


def _run_table(arguments: argparse.Namespace) -> int:
    from analysis.laws.equal_exponents import equal_between
    from analysis.laws.group_laws import fit_groups

    wanted = columns(arguments)
    table = load_table(arguments, wanted)
    found = fit_groups(table, wanted, tuple(arguments.range) if arguments.range else None)
    laws = {one.label: one.law for one in found if one.law}
    equal = equal_between(laws) if len(laws) > 1 else None
    if arguments.json:
        groups = [one.to_json() for one in found]
        pairs = {"equal": equal.to_json()["pairs"]} if equal else {}
        note = {"note": equal.note} if equal and equal.note else {}
        print_json({"groups": groups, **pairs, **note} if wanted.group else groups[0])
        return 0
    for one in found:
        if one.label:
            console().print(f"\n{one.label}", markup=False, style="bold")
        if one.law:
            _show(one.law, [])
        else:
            print_bullets(console(), [one.refusal])
    if equal:
        console().print("\nequal ν?", markup=False, style="bold")
        _show_pairs(equal)
    return 0


def _grouped(arguments: argparse.Namespace) -> int:
    """ν in each pair of values of a field, as sentences or JSON."""
    from analysis.laws.equal_exponents import equal_exponents

    if arguments.against is not None:
        raise UserError("ask for one test: --against or --group")
    if len(arguments.group) > 1:
        raise UserError("--group takes one field of an experiment")
    experiment = load_chosen(arguments)
    law, over = _law(arguments, experiment), arguments.group[0]
    if over in law.where and over not in where_of(arguments):
        law = _without(law, over)
    found = equal_exponents(experiment.trials, law, over, history=experiment.history)
    if arguments.json:
        print_json({"over": over, **found.to_json()})
        return 0
    _show_pairs(found)
    return 0


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


def _against(text: str, law: PowerLaw, experiment: Experiment | None) -> Against:
    """The test of ν that --against asks for."""
    from analysis.laws import hypotheses

    if text == "published":
        name, theirs = _same_law(law)
        said = f"that of {name}"
        return hypotheses.against(law, theirs.nu, said, theirs.se, theirs.exponent.df)
    if text == "linear" and experiment is not None:
        spectrum, d_z = _spectrum(law, experiment)
        value = hypotheses.linear_exponent(law, spectrum, d_z)
        return hypotheses.against(law, value, "that of the linear theory on these data")
    try:
        value = float(text)
    except ValueError as error:
        raise UserError(
            f"--against takes a number, published or linear, and not {text!r}"
        ) from error
    if not math.isfinite(value):
        raise UserError(f"--against takes a finite number, and not {text}")
    return hypotheses.against(law, value, f"{value:g}")


def _same_law(law: PowerLaw) -> tuple[str, PowerLaw]:
    """The published table of the same x and y, and its law."""
    from analysis.published.catalogue import TABLES

    for table in TABLES.values():
        if (table.x, table.metric) == (law.law.x, law.law.y):
            return table.name, _table_law(table.name)
    raise UserError(f"no published table has {law.law.y} against {law.law.x}")


def _table_law(name: str) -> PowerLaw:
    from analysis import published

    return published.law(name)


def _spectrum(law: PowerLaw, experiment: Experiment) -> tuple[Spectrum, int | None]:
    """The spectrum and d_z of the rows that the law was fitted to."""
    from analysis.laws.law import filtered

    rows = filtered(experiment.trials, law.law)
    found = experiment.spectra.get(str(rows["checksum"].iloc[0])) if "checksum" in rows else None
    if found is None:
        raise UserError("the spectrum of these data is not stored, so there is no linear theory")
    size = rows["d_z"].iloc[0] if "d_z" in rows else math.nan
    return found, int(size) if math.isfinite(size) else None


def _published(arguments: argparse.Namespace) -> PowerLaw:
    return _table_law(arguments.published)


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


def law_of(
    experiment: Experiment,
    x: str | None,
    y: str | None,
    ends: tuple[float, float] | None,
    where: Mapping[str, object],
) -> Law:
    """The law that the grid declares; with another x or y its range and rows do not hold."""
    from analysis.laws import powerlaw

    law = settings(declared(experiment.sweeps), sweeps=experiment.sweeps).law or powerlaw.Law()
    model, said = where.get("model"), [law.post_hoc]
    asked = (
        x or _axis(experiment.trials, None if model is None else str(model), law.x),
        y or law.y,
    )
    if asked != (law.x, law.y):
        law = powerlaw.Law(*asked)
        said = [f"{asked[1]} against {asked[0]} was asked for after the run"] * bool(x or y)
    if ends and ends != law.range:
        said.append("the range was chosen after the run")
    if any(name != "model" and law.where.get(name) != one for name, one in where.items()):
        said.append("the rows were chosen after the run")
    told = "; ".join(filter(None, said))
    law = law.after(experiment.sweeps)
    return replace(law, range=ends or law.range, where={**law.where, **where}, post_hoc=told)


def _axis(trials: pd.DataFrame, model: str | None, x: str) -> str:
    """`x`, or the model's own noise level where `x` is that of other models."""
    from analysis.sources.noise import PAPERS, noise_levels

    found = noise_levels(trials[trials["model"] == model] if model else trials)
    others = {*PAPERS, *noise_levels(trials)} - set(found)
    return found[0] if x in others and len(found) == 1 else x


def _show(law: PowerLaw, tests: list[str], parts: Sequence[Component] = ()) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False)
    for name, value in _rows(law):
        if "nan" not in value:
            table.add_row(name, value)
    for one in parts:
        if math.isfinite(one.sd):
            table.add_row(f"sd of ν, {one.name}", f"{one.sd:.2g} ({one.of})")
    screen = console()
    screen.print(table)
    screen.print()
    print_bullets(screen, [*tests, *law.sentences()])


def _rows(law: PowerLaw) -> list[tuple[str, str]]:
    from analysis.laws.prediction import prediction

    found = prediction(law)
    new = found and found.nu
    seeds = f" ({law.n_seeds} seed{'s' * (law.n_seeds > 1)})" if law.n_seeds else ""
    p = law.curvature_p
    tested = f" (p = {p:.2g})" if math.isfinite(p) else " (tested from three seeds on)"
    curve = " of the points of this curve" if law.n_seeds < 2 else ""
    return [
        ("law", f"{law.law.y} ~ {law.law.x}^-ν, {law.law.x} = {law.x_min:g} … {law.x_max:g}"),
        ("ν", f"{law.nu:.4f}"),
        (f"95 % interval{curve}", f"{law.ci_low:.4f} … {law.ci_high:.4f}, {law.exponent.method}"),
        ("one more run", f"{new.low:.4f} … {new.high:.4f}" if new else "nan"),
        ("R²", f"{law.r2:.4f}"),
        ("n", f"{law.n}{seeds}"),
        (f"p (ν = 0){curve}", f"{law.p:.2g}"),
        ("curvature", f"{law.curvature:.4f}{tested}"),
        (
            "exponential",
            f"ΔAICc {law.exponential_delta_aicc:+.1f} against the power law, of the mean curve",
        ),
    ]
