"""`sweeper fit`: the power law of an experiment, of a published table or of any runs."""

from __future__ import annotations

import argparse
import math
from dataclasses import replace
from typing import TYPE_CHECKING

from sweeper.commands.report import declared
from sweeper.commands.shared import add_experiment, add_json, load_experiment, settings
from sweeper.commands.tables import add_table, columns, from_table, load_table, where_of
from sweeper.terminal.screen import console, print_bullets, print_json

if TYPE_CHECKING:
    import pandas as pd

    from analysis.laws.powerlaw import PowerLaw

__all__ = ["HELP", "NAME", "add_arguments", "run"]

NAME = "fit"
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
    add_table(
        parser,
        " (default: the grid's, else the model's noise level)",
        " (default: the grid's, test/kl if it names none)",
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    if from_table(arguments, ("x", "y", "where")):
        return _run_table(arguments)
    law = _published(arguments) if arguments.published else _measured(arguments)
    if arguments.json:
        print_json(law.to_json())
    else:
        _show(law)
    return 0


def _run_table(arguments: argparse.Namespace) -> int:
    from analysis.laws.group_laws import fit_groups

    wanted = columns(arguments)
    table = load_table(arguments, wanted)
    found = fit_groups(table, wanted, tuple(arguments.range) if arguments.range else None)
    if arguments.json:
        groups = [one.to_json() for one in found]
        print_json({"groups": groups} if wanted.group else groups[0])
        return 0
    for one in found:
        if one.label:
            console().print(f"\n{one.label}", markup=False, style="bold")
        if one.law:
            _show(one.law)
        else:
            print_bullets(console(), [one.refusal])
    return 0


def _published(arguments: argparse.Namespace) -> PowerLaw:
    from analysis import published

    return published.law(arguments.published)


def _measured(arguments: argparse.Namespace) -> PowerLaw:
    """The law that the grid declares; with another x or y its range and rows do not hold."""
    from analysis.laws import powerlaw

    where = where_of(arguments)
    if arguments.model:
        where["model"] = arguments.model
    experiment = load_experiment(arguments)
    law = settings(declared(experiment.sweeps)).law or powerlaw.Law()
    x = arguments.x or _axis(experiment.trials, arguments.model, law.x)
    y = arguments.y or law.y
    if (x, y) != (law.x, law.y):
        law = powerlaw.Law(x, y)
    ends = tuple(arguments.range) if arguments.range else law.range
    return powerlaw.fit(experiment.trials, replace(law, range=ends, where={**law.where, **where}))


def _axis(trials: pd.DataFrame, model: str | None, x: str) -> str:
    """`x`, or the model's own noise level where `x` is that of other models."""
    from analysis.sources.noise import PAPERS, noise_levels

    found = noise_levels(trials[trials["model"] == model] if model else trials)
    others = {*PAPERS, *noise_levels(trials)} - set(found)
    return found[0] if x in others and len(found) == 1 else x


def _show(law: PowerLaw) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False)
    for name, value in _rows(law):
        if "nan" not in value:
            table.add_row(name, value)
    screen = console()
    screen.print(table)
    screen.print()
    print_bullets(screen, law.sentences())


def _rows(law: PowerLaw) -> list[tuple[str, str]]:
    seeds = f" ({law.n_seeds} seed{'s' * (law.n_seeds > 1)})" if law.n_seeds else ""
    p = law.curvature_p
    tested = f" (p = {p:.2g})" if math.isfinite(p) else " (tested from three seeds on)"
    return [
        ("law", f"{law.law.y} ~ {law.law.x}^-ν, {law.law.x} = {law.x_min:g} … {law.x_max:g}"),
        ("ν", f"{law.nu:.4f} ± {law.se:.4f} (standard error)"),
        ("95 % interval", f"{law.ci_low:.4f} … {law.ci_high:.4f}, {law.exponent.method}"),
        ("R²", f"{law.r2:.4f}"),
        ("n", f"{law.n}{seeds}"),
        ("p (ν = 0)", f"{law.p:.2g}"),
        ("curvature", f"{law.curvature:.4f}{tested}"),
        (
            "exponential",
            f"ΔAICc {law.exponential_delta_aicc:+.1f} against the power law, of the mean curve",
        ),
    ]
