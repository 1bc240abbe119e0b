"""`sweeper compare`: two groups of trials, or every pair of models, with intervals."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sweeper.commands.shared import add_experiment, add_json, load_chosen
from sweeper.commands.tables import add_pair, add_table, columns, from_table, pairs, where_of
from sweeper.errors import UserError
from sweeper.terminal.screen import console, print_bullets, print_json, print_table, whole_width

if TYPE_CHECKING:
    from analysis.comparisons.comparison import Comparison
    from analysis.training.verdicts import Trained

__all__ = ["EXAMPLE", "HELP", "NAME", "add_arguments", "run"]

NAME = "compare"
EXAMPLE = "sweeper compare digits --first sigma=0.03 --second sigma=0.27 --metric test/recon"
HELP = "compare groups of trials, paired by seed: difference, interval, effect, Holm correction"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_experiment(parser, optional=True)
    parser.add_argument(
        "--by",
        metavar="FIELD",
        default="model",
        help="compare every pair of values of this field (default: model)",
    )
    add_pair(parser, " (in place of --by)")
    parser.add_argument(
        "--metric", nargs="+", metavar="METRIC", help="what to compare (default: test/denoise)"
    )
    add_table(parser, " whose values are settings", ", as --metric")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    foreign = from_table(arguments, ("first", "second", "by"))
    if bool(arguments.first) != bool(arguments.second):
        raise UserError("two groups need both --first and --second")
    found, notes, later = _of_table(arguments) if foreign else _compared(arguments)
    note = _note(found)
    if arguments.json:
        print_json(
            {
                "experiment": arguments.experiment or arguments.table or arguments.logged,
                "post_hoc": later,
                "tests": _tests(found),
                **({"note": note} if note else {}),
                **({"notes": notes} if notes else {}),
                "comparisons": [one.to_json() | {"verdict": one.verdict} for one in found],
            }
        )
    else:
        _show(found, later)
        for told in (*[note] * bool(note), *(f"Note: {one}." for one in notes)):
            console().print(told, markup=False)
    return 0


def _of_table(arguments: argparse.Namespace) -> tuple[list[Comparison], list[str], str]:
    """The comparisons, what to say of the table's rows, and that they were chosen later."""
    from analysis.comparisons.reported import CHOSEN_LATER
    from analysis.comparisons.run_groups import compare_runs

    metrics = arguments.metric or [arguments.y]
    every = [pairs(arguments, columns(arguments, metric)) for metric in metrics]
    notes = dict.fromkeys(note for _, told in every for note in told)
    return compare_runs([one for arms, _ in every for one in arms]), [*notes], CHOSEN_LATER


def _compared(arguments: argparse.Namespace) -> tuple[list[Comparison], list[str], str]:
    """As `_of_table`, without notes; what every report compares was not chosen later."""
    from analysis.comparisons.compare import compare, compare_all
    from analysis.comparisons.comparison import Groups
    from analysis.comparisons.reported import CHOSEN_LATER, reported_question

    trials = load_chosen(arguments).trials
    metrics = arguments.metric or ["test/denoise"]
    if not arguments.first:
        later = CHOSEN_LATER * ((arguments.by, *metrics) != reported_question(trials))
        return compare_all(trials, arguments.by, metrics), [], later
    first, second = (where_of(arguments, option) for option in ("first", "second"))
    return compare(trials, Groups(first, second), metrics), [], CHOSEN_LATER


def _show(found: Sequence[Comparison], later: str) -> None:
    """A table as wide as it must be; sentences on a terminal that would cut it."""
    from rich.table import Table
    from rich.text import Text

    table, several = Table(box=None, pad_edge=False), _tests(found) > 1
    for name in (
        "first − second",
        "at",
        "metric",
        f"difference (95 %{', all at once' * several})",
        "effect",
        f"p{' (Holm)' * several}",
        "seeds",
        "training",
        "",
    ):
        table.add_column(name, no_wrap=True)
    for one in found:
        table.add_row(*map(Text, _row(one)))
    screen = console()
    if screen.is_terminal and whole_width(screen, table) > screen.width:
        print_bullets(screen, [one.sentence() for one in found])
    else:
        print_table(screen, table)
    also = sorted({name for one in found for name in one.also})
    if also:
        screen.print(
            f"\nGroups that differ also in {', '.join(also)}: the cause may be there.",
            markup=False,
        )
    tests = _tests(found)
    family = f"their p values are corrected for {tests} tests" * (tests > 1)
    told = "; ".join(filter(None, (f"Post hoc: {later}" * bool(later), family)))
    if told:
        screen.print(f"\n{told[0].upper()}{told[1:]}.", markup=False)


def _note(found: Sequence[Comparison]) -> str:
    """Which of p and interval decides, where they seem to disagree; else nothing."""
    from analysis.statistics.multiplicity import which_decides

    return which_decides((one.p_holm, one.difference) for one in found)


def _tests(found: Sequence[Comparison]) -> int:
    """How many of the comparisons have a test: the size of their family."""
    return sum(not one.untested for one in found)


def _row(one: Comparison) -> list[str]:
    at = ", ".join(
        f"{name} = {value:g}" if isinstance(value, float) else f"{name} = {value}"
        for name, value in one.setting.items()
    )
    d, known = one.difference, not one.untested
    first, second = (label.removeprefix("model = ") for label in one.groups)
    spread = f" ({d.low:.3g} … {d.high:.3g})" if known else ""
    return [
        f"{first} − {second}",
        at,
        one.metric,
        f"{d.value:+.4g}{spread}",
        f"{one.effect.value:.2g}" if math.isfinite(one.effect.value) else "",
        f"{one.p_holm:.2g}" if known else "",
        one.design,
        _trained(one.training),
        one.untested or one.verdict,
    ]


def _trained(training: Trained) -> str:
    """``drifting after 20 epochs``."""
    return f"{training.verdict} after {training.length}" if training.verdict else "length unknown"
