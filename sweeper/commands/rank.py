"""`sweeper rank`: the settings of an experiment, best first, with intervals over seeds."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING

from sweeper.commands.shared import add_experiment, add_json, condition, load_experiment
from sweeper.errors import UserError
from sweeper.terminal.screen import console, print_json, print_table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["HELP", "NAME", "add_arguments", "run"]

NAME = "rank"
HELP = "order settings by a metric, best first: mean over seeds with its interval"
TOP = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_experiment(parser)
    parser.add_argument(
        "--metric",
        metavar="METRIC",
        default="test/elbo_full",
        help="what to order by (default: test/elbo_full)",
    )
    parser.add_argument(
        "--mode",
        choices=("min", "max"),
        help="which end is best (default: max for bounds and accuracies, min for all others)",
    )
    parser.add_argument(
        "--where",
        nargs="+",
        default=[],
        metavar="FIELD=VALUE",
        help="only trials with these values",
    )
    parser.add_argument(
        "--top",
        type=int,
        default=TOP,
        metavar="N",
        help=f"how many to show (default: {TOP}; 0 for all)",
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    if arguments.top < 0:
        raise UserError(f"--top must be >= 0, and is {arguments.top}")
    from analysis.comparisons.ranking import better, rank
    from analysis.sources.rows import matching, require_column, require_value

    trials = load_experiment(arguments).trials
    where = dict(condition(text, "--where") for text in arguments.where)
    for name, value in where.items():
        require_column(trials, name)
        require_value(trials, name, value)
    mode = arguments.mode or better(arguments.metric)
    table = rank(trials[matching(trials, where)], arguments.metric, mode)
    shown = table.head(arguments.top) if arguments.top > 0 else table
    if arguments.json:
        print_json(
            {
                "experiment": arguments.experiment,
                "metric": arguments.metric,
                "mode": mode,
                "settings": shown.to_dict("records"),
            }
        )
    else:
        _show(shown, arguments.metric, len(table))
    return 0


def _show(table: pd.DataFrame, metric: str, among: int) -> None:
    from rich.table import Table

    from analysis.wording import number, symbol

    fields = [str(name) for name in table.columns if name not in ("mean", "low", "high", "n")]
    drawn = Table(box=None, pad_edge=False)
    drawn.add_column("", justify="right")
    for name in fields:
        drawn.add_column(symbol(name), no_wrap=True)
    for name in (metric, "95 %", "seeds"):
        drawn.add_column(name, justify="right", overflow="fold")
    for place, row in enumerate(table.to_dict("records"), 1):
        known = math.isfinite(row["low"])
        drawn.add_row(
            str(place),
            *(_word(row[name]) for name in fields),
            number(row["mean"], 4),
            f"{number(row['low'], 4)} … {number(row['high'], 4)}" if known else "",
            str(row["n"]),
        )
    screen = console()
    print_table(screen, drawn)
    if len(table) < among:
        screen.print(f"\n{among - len(table)} more settings; --top 0 shows all", markup=False)


def _word(value: object) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)
