"""Arguments of the commands that also take runs that others logged, and the table they name."""

from __future__ import annotations

import argparse
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from sweeper.commands.shared import condition
from sweeper.errors import UserError

if TYPE_CHECKING:
    from analysis.sources.arms import Arms
    from analysis.sources.columns import Columns
    from analysis.sources.table import Table

__all__ = [
    "add_margin",
    "add_pair",
    "add_table",
    "columns",
    "from_table",
    "load_table",
    "pairs",
    "where_of",
]

FOREIGN = (
    "x",
    "y",
    "seed",
    "split",
    "group",
    "where",
    "first",
    "second",
    "by",
    "margin",
    "difference",
)
OWN = ("model", "watch", "server", "tracking")


def add_table(parser: argparse.ArgumentParser, x: str = "", y: str = "", group: str = "") -> None:
    """Runs of another program in place of an experiment of ours, and what its columns are.

    x, y, group: what else the help of --x, --y and --group says.
    """
    runs = parser.add_argument_group(
        "runs that others logged, in place of EXPERIMENT (see also --tracking)"
    )
    source = runs.add_mutually_exclusive_group()
    source.add_argument("--table", metavar="FILE", help="a CSV or parquet file: one row a run")
    source.add_argument(
        "--experiment",
        dest="logged",
        metavar="NAME",
        help="any MLflow experiment at the address of --tracking, by its params and metrics",
    )
    runs.add_argument("--x", metavar="COLUMN", help=f"hyperparameter{x}")
    runs.add_argument("--y", metavar="COLUMN", help=f"metric{y}")
    runs.add_argument("--seed", metavar="COLUMN", help="what numbers the repetitions of a setting")
    runs.add_argument(
        "--split",
        metavar="COLUMN",
        help="what numbers the splits of the data, over which each seed is averaged",
    )
    runs.add_argument(
        "--group",
        nargs="+",
        default=[],
        metavar="COLUMN",
        help=f"further settings: each combination of their values is a group of its own{group}",
    )
    runs.add_argument(
        "--where", nargs="+", default=[], metavar="FIELD=VALUE", help="only rows with these values"
    )


def add_margin(parser: argparse.ArgumentParser) -> None:
    """The margin of the tests of equivalence, and in which units it is."""
    parser.add_argument("--margin", type=float, help="a log ratio (default: the grid's)")
    parser.add_argument(
        "--difference",
        action="store_true",
        help="--margin is a difference in the metric's units, and no log ratio (other runs only)",
    )


def add_pair(parser: argparse.ArgumentParser, more: str = "") -> None:
    """Two groups of runs."""
    for name, told in (("first", "the runs with these values ..."), ("second", "... and these")):
        parser.add_argument(
            f"--{name}", nargs="+", default=[], metavar="FIELD=VALUE", help=told + more
        )


def from_table(arguments: argparse.Namespace, shared: Collection[str] = ()) -> bool:
    """Whether the runs are another program's.

    shared: options that mean something for our own experiments too.
    Errors: UserError unless exactly one source is named, and for options that do not belong to it.
    """
    sources = (arguments.experiment, arguments.table, arguments.logged)
    named = sum(bool(source) for source in (*sources, getattr(arguments, "published", None)))
    if named != 1:
        published = ", --published" * hasattr(arguments, "published")
        raise UserError(
            f"name one source of runs: EXPERIMENT, --table, --experiment{published}; "
            f"{'several are' if named else 'none is'} named"
        )
    if arguments.logged and not arguments.tracking:
        raise UserError(
            "--experiment takes the address of its MLflow store: name it by --tracking"
        )
    foreign = bool(arguments.table or arguments.logged)
    for name in FOREIGN if not foreign else ():
        if name not in shared and getattr(arguments, name, None):
            raise UserError(
                f"--{name} is about the columns of --table or --experiment, and EXPERIMENT is one "
                "of sweeper's own"
            )
    for name in OWN if foreign else ():
        if getattr(arguments, name, None) and not (name == "tracking" and arguments.logged):
            raise UserError(f"--{name} is about sweeper's own experiments, not about other runs")
    return foreign


def columns(arguments: argparse.Namespace, y: str | None = None) -> Columns:
    """The roles of the columns; `UserError` without a metric."""
    from analysis.sources.columns import Columns

    metric = y or arguments.y
    if not metric:
        raise UserError("name the column of the metric with --y")
    return Columns(metric, arguments.x, arguments.seed, tuple(arguments.group), arguments.split)


def where_of(arguments: argparse.Namespace, option: str = "where") -> dict[str, object]:
    """The conditions of an option."""
    return dict(condition(text, f"--{option}") for text in getattr(arguments, option))


def load_table(
    arguments: argparse.Namespace, needed: Columns, apart: Collection[str] = ()
) -> Table:
    """The rows of the file or of the MLflow experiment, within --where, averaged over --split.

    apart: columns, other than those needed, that tell groups apart.
    """
    from analysis.sources.columns import averaged, chosen
    from analysis.sources.foreign_runs import read_runs
    from analysis.sources.table import read_table
    from sweeper.storage.addresses import tracking_uri

    if arguments.table:
        table = read_table(Path(arguments.table))
    else:
        names = [*needed.setting, needed.y, *filter(None, (needed.seed, needed.split))]
        table = read_runs(tracking_uri(arguments.tracking), arguments.logged, names)
    return averaged(chosen(table, where_of(arguments)), needed, apart)


def pairs(arguments: argparse.Namespace, wanted: Columns) -> tuple[list[Arms], tuple[str, ...]]:
    """The two groups of --first and --second, or every pair of values of the column --by; and
    what to say of the rows.
    """
    from analysis.sources.arms import arms, every_pair

    first, second = (where_of(arguments, option) for option in ("first", "second"))
    if bool(first) != bool(second):
        raise UserError("two groups need both --first and --second")
    table = load_table(arguments, wanted, {**first, **second} if first else [arguments.by])
    if first:
        return arms(table, first, second, wanted), table.notes
    return every_pair(table, arguments.by, wanted), table.notes
