"""`sweeper fit`: the power law of an experiment or of a published table."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING

from sweeper.commands.report import declared
from sweeper.commands.shared import add_experiment, add_json, condition, load_experiment, settings
from sweeper.errors import UserError
from sweeper.terminal.screen import console, print_bullets, print_json

if TYPE_CHECKING:
    from analysis.laws.powerlaw import PowerLaw

__all__ = ["HELP", "NAME", "add_arguments", "run"]

NAME = "fit"
HELP = "fit a power law: exponent, interval, curvature and rival forms"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_experiment(parser, optional=True)
    parser.add_argument("--model", help="rows of this model (β = 1, declared trials only)")
    parser.add_argument(
        "--x", help="hyperparameter (default: the grid's, σ if it names none; α for the α-VAE)"
    )
    parser.add_argument("--y", help="metric (default: the grid's, test/kl if it names none)")
    parser.add_argument(
        "--range",
        nargs=2,
        type=float,
        metavar=("LOW", "HIGH"),
        help="fit over this range of x only (default: the grid's, of its law)",
    )
    parser.add_argument(
        "--where",
        nargs="+",
        default=[],
        metavar="FIELD=VALUE",
        help="fit only rows with these values",
    )
    parser.add_argument(
        "--published", metavar="TABLE", help="fit a table of the papers, such as s1_table1"
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    if bool(arguments.published) == bool(arguments.experiment):
        raise UserError("name either an experiment or, with --published, a table of the papers")
    law = _published(arguments) if arguments.published else _measured(arguments)
    if arguments.json:
        print_json(law.to_json())
    else:
        _show(law)
    return 0


def _published(arguments: argparse.Namespace) -> PowerLaw:
    from analysis import published

    return published.law(arguments.published)


def _measured(arguments: argparse.Namespace) -> PowerLaw:
    """The law that the grid declares; with another x or y its range and rows do not hold."""
    from analysis.laws import powerlaw

    where = dict(condition(text, "--where") for text in arguments.where)
    if arguments.model:
        where["model"] = arguments.model
    experiment = load_experiment(arguments)
    law = settings(declared(experiment.sweeps)).law or powerlaw.Law()
    x = arguments.x or ("alpha" if arguments.model == "alpha_vae" else law.x)
    y = arguments.y or law.y
    if (x, y) != (law.x, law.y):
        law = powerlaw.Law(x, y)
    ends = tuple(arguments.range) if arguments.range else law.range
    return powerlaw.fit(experiment.trials, replace(law, range=ends, where={**law.where, **where}))


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
    return [
        ("law", f"{law.law.y} ~ {law.law.x}^-ν, {law.law.x} = {law.x_min:g} … {law.x_max:g}"),
        ("ν", f"{law.nu:.4f}"),
        ("95 % interval", f"{law.ci_low:.4f} … {law.ci_high:.4f}, {law.exponent.method}"),
        ("R²", f"{law.r2:.4f}"),
        ("n", f"{law.n}{seeds}"),
        ("p (ν = 0)", f"{law.p:.2g}"),
        ("curvature", f"{law.curvature:.4f} (p = {law.curvature_p:.2g})"),
        (
            "against exponential",
            f"ΔAICc {law.exponential_delta_aicc:+.1f} (> 0: the power law is better)",
        ),
    ]
