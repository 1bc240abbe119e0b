"""`sweeper run`: train all trials of a grid, then analyse and report the results."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from analysis.sources.tracking_address import (
    is_server,
    page_address,
    without_password,
    without_user,
)
from sweeper.commands.reporting import import_report, write_report
from sweeper.commands.shared import add_grid, add_json, load_grid
from sweeper.errors import Interrupted
from sweeper.terminal.screen import console, print_bullets, print_json
from sweeper.terminal.steady import outlive_reader

if TYPE_CHECKING:
    from rich.console import Console

    from sweeper.commands.page import LivePage
    from sweeper.sweep import Outcome, Sweep

__all__ = ["EXAMPLE", "HELP", "NAME", "add_arguments", "add_training", "run", "train"]

NAME = "run"
EXAMPLE = "sweeper run digits --open"
HELP = "train a grid (run it again to go on), track it, and write the report"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_grid(parser)
    add_training(parser)
    add_json(parser)


def add_training(parser: argparse.ArgumentParser) -> None:
    """Add the arguments on how to train."""
    parser.add_argument(
        "--inline",
        action="store_true",
        help="train in this process, one trial after the other, without Ray",
    )
    parser.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="in place of the grid's `cluster`: local, auto (RAY_ADDRESS, or the Ray of this "
        "host) or HOST:PORT",
    )
    parser.add_argument(
        "--send-code",
        action="store_true",
        help="send this program to the nodes of the cluster, as `send_code: true` in a grid",
    )
    parser.add_argument(
        "--send-data",
        action="store_true",
        help="send the files of data sets, through the storage, to nodes that lack them, as "
        "`send_data: true` in a grid",
    )
    parser.add_argument(
        "--retry-failed",
        action="store_true",
        help="train diverged trials again, too (others that failed always are)",
    )
    parser.add_argument(
        "--models",
        choices=("none", "best", "all"),
        help="which trained models MLflow gets, to load and serve, in place of the grid's "
        "`models`",
    )
    parser.add_argument(
        "--open",
        action="store_true",
        help="open the report in a browser, which follows the sweep while it runs",
    )


def run(arguments: argparse.Namespace) -> int:
    console(stderr=arguments.json).print(
        f"reading {arguments.grid}", style="dim", markup=False, soft_wrap=True
    )
    with _interruptible("before anything was trained"):
        sweep = load_grid(arguments)
    return train(sweep, arguments)


def train(sweep: Sweep, arguments: argparse.Namespace) -> int:
    """Run a sweep to its end, report on it, and return the exit code."""
    from cluster.jobs import ENDED
    from sweeper.driver.log_upload import log_uploaded

    with (
        outlive_reader(),
        _page(sweep, arguments) if arguments.open else nullcontext() as page,
        log_uploaded(sweep) as end_log,
    ):
        sent = replace(
            sweep,
            send_code=sweep.send_code or arguments.send_code,
            send_data=sweep.send_data or arguments.send_data,
            models=replace(sweep.models, which=arguments.models or sweep.models.which),
        )
        code = _train(_at(sent, arguments.cluster), arguments, page)
        end_log(f"{ENDED} {code}\n")
        return code


def _page(sweep: Sweep, arguments: argparse.Namespace) -> LivePage:
    """The report in a browser while the sweep runs; where it is, for those who have none."""
    from sweeper.commands.page import LivePage

    page = LivePage(sweep)
    console(stderr=arguments.json).print(
        f"the report, which follows the sweep, opens from {page.path}",
        style="dim",
        markup=False,
        soft_wrap=True,
    )
    return page


def _at(sweep: Sweep, address: str | None) -> Sweep:
    """The sweep on the cluster that ``--cluster`` names, if it is given."""
    if address is None:
        return sweep
    from cluster.addresses import require_address

    place = (None, None, "--cluster")
    return replace(
        sweep, cluster=require_address(address), places={**sweep.places, "cluster": place}
    )


def _train(sweep: Sweep, arguments: argparse.Namespace, page: LivePage | None) -> int:
    screen = console(stderr=arguments.json)
    with _interruptible("outside training, and nothing is lost"):
        outcome = _run(sweep, arguments, screen)
        if page:
            page.end()
    with _interruptible("in the middle of the report; what was trained is kept"):
        outcome, sentences = write_report(sweep, outcome)
    if page and outcome.report:
        page.show()
    if arguments.json:
        _show_troubles(screen, outcome)
        print_json({key: asdict(outcome)[key] for key in SHOWN})
    else:
        _show(screen, sweep, outcome, sentences)
    return _exit_code(outcome)


SHOWN = (
    "experiment",
    "trials",
    "finished",
    "failed",
    "pruned",
    "skipped",
    "unanswered",
    "wall_s",
    "report",
    "best",
    "tracking_uri",
    "undelivered",
    "tracker_error",
)


@contextmanager
def _interruptible(when: str) -> Iterator[None]:
    """Turn a signal outside the driver into a message on the phase `when` and how to continue."""
    from sweeper.driver.interrupt import leave_on_signal

    try:
        with leave_on_signal():
            yield
    except Interrupted as stop:
        said = f"interrupted {when}; the same command goes on: {_again()}"
        raise Interrupted(said, stop.number) from stop


def _run(sweep: Sweep, arguments: argparse.Namespace, screen: Console) -> Outcome:
    from sweeper.driver.run import RunOptions
    from sweeper.driver.run import run as run_sweep

    return run_sweep(
        sweep,
        RunOptions(
            inline=arguments.inline,
            retry_failed=arguments.retry_failed,
            live=screen.is_terminal,
            console=screen,
            begun=import_report,
        ),
    )


def _show_troubles(screen: Console, outcome: Outcome) -> None:
    """Print why trials failed, and how to continue a stopped sweep."""
    from rich.markup import escape

    from sweeper.terminal.failure_table import draw_failures

    draw_failures(screen, outcome.failures)
    before = sum(bool(failure.get("before")) for failure in outcome.failures)
    if before:
        screen.print(
            f"{before} of them failed before and would fail again in the same way; "
            "--retry-failed trains them all the same",
            soft_wrap=True,
        )
    if outcome.interrupted:
        screen.print(
            f"stopped; the same command goes on: [bold]{escape(_again())}[/bold]", soft_wrap=True
        )


def _show(screen: Console, sweep: Sweep, outcome: Outcome, sentences: list[str]) -> None:
    from rich.markup import escape

    from sweeper.storage.addresses import show_tracking

    screen.print()
    print_bullets(screen, sentences)
    screen.print()
    _show_troubles(screen, outcome)
    screen.print(_counts(outcome))
    if outcome.report:
        screen.print(f"report  {escape(outcome.report)}", soft_wrap=True)
    screen.print(f"runs    [bold]{escape(_runs(outcome))}[/bold]", soft_wrap=True)
    if show_tracking(sweep) != outcome.tracking_uri:
        screen.print(f"store   {escape(show_tracking(sweep))}", soft_wrap=True)


def _runs(outcome: Outcome) -> str:
    """The page of the runs on a server, or the command that serves those of another store.

    The default store needs no option.
    """
    from analysis.sources.run_links import runs_page  # imports pandas
    from sweeper.storage.addresses import default_tracking, tracking_uri

    uri, found = outcome.tracking_uri, outcome.experiment_id
    if is_server(uri):
        server = without_user(uri)
        return runs_page(server, found) if found else page_address(server, "experiments")
    if uri == without_password(tracking_uri(default_tracking())):
        return "sweeper ui"
    return shlex.join(["sweeper", "ui", "--tracking", uri])


def _again() -> str:
    return shlex.join(["sweeper", *sys.argv[1:]])


def _counts(outcome: Outcome) -> str:
    parts = [f"[bold]{outcome.finished}[/bold] of {outcome.trials} trials finished"]
    if outcome.skipped:
        parts.append(f"{outcome.skipped} of them before")
    if outcome.pruned:
        parts.append(f"{outcome.pruned} stopped early")
    if outcome.failed:
        parts.append(f"[red]{outcome.failed} failed[/red]")
    if outcome.unanswered:
        parts.append(f"[red]{outcome.unanswered} evaluations missing[/red]")
    return ", ".join(parts) + f", in {outcome.wall_s:.0f} s"


def _exit_code(outcome: Outcome) -> int:
    """128 + the signal, or 1 where trials failed, or 3 where MLflow lacks records of them."""
    if outcome.interrupted:
        return 128 + (outcome.signal or signal.SIGINT)
    if outcome.finished + outcome.pruned < outcome.trials or outcome.unanswered:
        return 1
    return 3 if outcome.tracker_error else 0
