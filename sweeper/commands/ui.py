"""`sweeper ui`: MLflow's pages for a tracking store."""

from __future__ import annotations

import argparse
import signal
from contextlib import ExitStack

from sweeper.errors import placed
from sweeper.terminal.screen import busy, console

__all__ = ["EXAMPLE", "HELP", "NAME", "add_arguments", "run"]

NAME = "ui"
EXAMPLE = "sweeper ui --port 5001"
HELP = "open MLflow's pages for the tracked runs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--tracking",
        metavar="URI",
        help="the grid's `tracking` (default: MLFLOW_TRACKING_URI, else sqlite:///mlflow.db)",
    )
    parser.add_argument("--port", type=int, default=5000, help="port (default: 5000)")


def run(arguments: argparse.Namespace) -> int:
    from analysis.sources.tracking_address import is_server
    from cluster.mlflow_server import MlflowServer
    from sweeper.grid.schema import require_tracker
    from sweeper.storage.addresses import default_tracking, require_store, tracking_uri
    from sweeper.tracking.database import with_driver

    with placed((None, None, "--tracking")):
        uri = tracking_uri(require_tracker(arguments.tracking or default_tracking()))
    if is_server(uri):
        _tell(uri, "", patience=3.0)
        return 0
    require_store(uri)
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    server = MlflowServer(with_driver(uri), arguments.port)
    try:
        with ExitStack() as running:
            with busy("starting MLflow"):
                process = running.enter_context(server.serving())
            _tell(server.uri, " (Ctrl-C ends it)", patience=30.0)
            return process.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        signal.signal(signal.SIGTERM, before)


def _tell(server: str, after: str, patience: float) -> None:
    """Print where a server answers, and the pages of its newest experiments."""
    from analysis.sources.run_links import run_pages
    from analysis.sources.tracking_address import page_address, without_user

    address = without_user(server)
    pages = run_pages(server, address, patience) or [page_address(address, "experiments")]
    said = "\n".join(
        [f"MLflow answers at {address}{after}", *(f"runs    {page}" for page in pages)]
    )
    console().print(said, markup=False, soft_wrap=True)
