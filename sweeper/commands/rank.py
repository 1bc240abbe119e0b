"""`sweeper rank`: the settings of an experiment, best first, with intervals over seeds."""

from __future__ import annotations

import argparse
import math
from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

from sweeper.commands.shared import add_experiment, add_json, condition, load_experiment
from sweeper.errors import UserError
from sweeper.terminal.screen import console, print_bullets, print_json, print_table

if TYPE_CHECKING:
    import pandas as pd

    from analysis.comparisons.ranking import Ranking

__all__ = ["EXAMPLE", "HELP", "NAME", "add_arguments", "add_choice", "ranked", "run"]

NAME = "rank"
EXAMPLE = "sweeper rank my-experiment"
HELP = "order settings by a metric of the validation part, allowing for the choice"
TOP = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_experiment(parser)
    add_choice(parser)
    parser.add_argument(
        "--top",
        type=int,
        default=TOP,
        metavar="N",
        help=f"how many to show (default: {TOP}; 0 for all)",
    )
    add_json(parser)


def add_choice(parser: argparse.ArgumentParser) -> None:
    """Add the arguments on what is chosen by, and among which trials."""
    parser.add_argument(
        "--metric",
        metavar="METRIC",
        help="what to choose by (default: validation/elbo_full; a test metric must be named)",
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


def run(arguments: argparse.Namespace) -> int:
    if arguments.top < 0:
        raise UserError(f"--top must be at least 0, not {arguments.top}")
    from analysis.sources.statuses import count_statuses, said_of_failed

    trials, found = ranked(arguments)
    top = arguments.top or len(found.table)
    if arguments.json:
        told = found.to_json()
        print_json(
            {
                "experiment": arguments.experiment,
                "trials": count_statuses(trials["status"]),
                **told,
                "settings": told["settings"][:top],
            }
        )
    else:
        _show(found, top, said_of_failed(trials))
    return 0


def ranked(arguments: argparse.Namespace) -> tuple[pd.DataFrame, Ranking]:
    """The trials that the arguments ask for, and their settings in order."""
    from analysis.comparisons.ranking import rank
    from analysis.sources.rows import matching, require_column, require_value

    trials = load_experiment(arguments).trials
    where = dict(condition(text, "--where") for text in arguments.where)
    for name, value in where.items():
        require_column(trials, name)
        require_value(trials, name, value)
    chosen = trials[matching(trials, where)]
    _require_selection(arguments, chosen)
    return chosen, rank(chosen, arguments.metric, arguments.mode)


def _require_selection(arguments: argparse.Namespace, trials: pd.DataFrame) -> None:
    """Raise `UserError` with the option to add where no validation part can choose."""
    from analysis.comparisons.goals import SELECTION

    if arguments.metric is None and not (SELECTION in trials and trials[SELECTION].notna().any()):
        raise UserError(
            f"{arguments.experiment} has no validation part to choose on; add `--metric "
            "test/elbo_full` to order its settings by the test part: that is to look at them, and "
            "no number of the best one is unbiased then"
        )


def _show(found: Ranking, top: int, failed: str) -> None:
    from rich.table import Table

    from analysis.wording import number, symbol

    drawn = Table(box=None, pad_edge=False)
    drawn.add_column("", justify="right")
    drawn.add_column("first trial")
    for name in found.fields:
        drawn.add_column(symbol(name), no_wrap=True)
    metrics = [(found.metric, "mean", ""), (found.beside, "beside", "beside_")]
    shown = [one for one in metrics if one[0]]
    heads = [head for name, _, _ in shown for head in (name, "95 %, all at once")]
    for name in (*heads, "behind", "seeds", "may be best"):
        drawn.add_column(name, justify="right", overflow="fold")
    for place, row in enumerate(found.table.head(top).to_dict("records"), 1):
        values = [
            text
            for _, value, prefix in shown
            for text in (number(row[value], 4), _interval(row, prefix))
        ]
        drawn.add_row(
            str(place),
            row["trial"][:8],
            *(_word(row[name]) for name in found.fields),
            *values,
            number(abs(row["behind"])) if row["design"] else "",
            str(row["n"]),
            _may_be_best(row) * found.claims,
        )
    screen = console()
    print_table(screen, drawn)
    if (more := len(found.table) - top) > 0:
        screen.print(f"\n{more} more settings; --top 0 shows all", markup=False)
    screen.print()
    print_bullets(screen, [found.sentence(), *([failed] if failed else [])])


def _may_be_best(row: Mapping[Hashable, Any]) -> str:
    if row["reference"] or row["tested"]:
        return "yes" if row["candidate"] else "no"
    return "untested"


def _interval(row: Mapping[Hashable, Any], prefix: str) -> str:
    from analysis.wording import number

    low, high = row[f"{prefix}low"], row[f"{prefix}high"]
    return f"{number(low, 4)} … {number(high, 4)}" if math.isfinite(low) else ""


def _word(value: object) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)
