"""`sweeper chaos`: kill, stop and cut a small sweep, and show which promises were kept."""

from __future__ import annotations

import argparse
import signal
from typing import TYPE_CHECKING

from sweeper.chaos import OWN
from sweeper.commands.shared import add_json
from sweeper.errors import UserError, placed
from sweeper.terminal.screen import console, print_json

if TYPE_CHECKING:
    from sweeper.chaos.suite import Chaos

__all__ = ["EXAMPLE", "HELP", "NAME", "add_arguments", "run"]

NAME = "chaos"
EXAMPLE = "sweeper chaos"
HELP = "disturb a small sweep of its own on this machine or cluster: is anything lost?"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--cluster",
        metavar="ADDRESS",
        nargs="?",
        const=OWN,
        default="local",
        help="a running Ray cluster, as in a grid, where one of our workers is killed; without "
        "an address a Ray of several nodes, started on this machine, of which a node is killed, "
        "too (default: local)",
    )
    parser.add_argument(
        "--kill-node",
        action="store_true",
        help="kill also a node of the cluster at ADDRESS, which must be started there again",
    )
    parser.add_argument(
        "--storage",
        metavar="DIR",
        help="work in a subfolder of it, which is removed at the end; a cluster needs one that "
        "every node sees, or a bucket, s3://BUCKET/PREFIX (default: a temporary folder)",
    )
    parser.add_argument(
        "--tracking",
        metavar="URI",
        help="write to this store, which is not stopped, and where the two "
        "experiments stay (default: an MLflow server for this command alone)",
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="decides when and where a fault strikes (default: 0)"
    )
    parser.add_argument(
        "--kills", type=int, default=4, help="how often the driver is killed (default: 4)"
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    from sweeper.bucket.address import is_bucket, parse_address
    from sweeper.chaos.suite import Chaos
    from sweeper.grid.schema import require_tracker
    from sweeper.storage.addresses import storage_path, tracking_uri

    if arguments.kills < 1:
        raise UserError(f"--kills must be at least 1, not {arguments.kills}")
    if arguments.cluster not in ("local", OWN) and not arguments.storage:
        raise UserError(
            "--cluster needs --storage, too: a folder that every node sees, or s3://..."
        )
    with placed((None, None, "--tracking")):
        uri = tracking_uri(require_tracker(arguments.tracking)) if arguments.tracking else None
    if arguments.kill_node and arguments.cluster == "local":
        raise UserError("--kill-node needs --cluster: this machine alone has no other node")
    storage = arguments.storage
    if storage:
        storage = str(parse_address(storage) if is_bucket(storage) else storage_path(storage))
    asked = Chaos(
        arguments.seed,
        arguments.kills,
        arguments.cluster,
        storage,
        uri,
        arguments.kill_node or arguments.cluster == OWN,
    )
    return _run(asked, uri, arguments.json)


def _run(asked: Chaos, uri: str | None, as_json: bool) -> int:
    """Run the chaos suite and print its results; returns the exit code."""
    from sweeper.chaos.suite import chaos

    screen = console(stderr=as_json)
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        found = chaos(
            asked, lambda words: screen.print(words, style="dim", markup=False, soft_wrap=True)
        )
    finally:
        signal.signal(signal.SIGTERM, before)
    if as_json:
        print_json(found.to_json())
    else:
        from sweeper.chaos.promise_table import draw_promises

        screen.print()
        draw_promises(screen, found)
    if found.left:
        screen.print(f"kept for a look: {found.left}", markup=False, soft_wrap=True)
    if uri:
        screen.print(
            f"the experiments {found.experiment} and {found.experiment}-undisturbed stay in {uri}",
            markup=False,
            soft_wrap=True,
        )
    return 0 if found.kept else 1
