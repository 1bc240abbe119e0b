"""A report in the browser: as a file, over HTTP on this machine, and while its sweep runs."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweeper.errors import UserError
from sweeper.storage.paths import report_folder, sweep_file

if TYPE_CHECKING:
    from sweeper.sweep import Sweep

__all__ = ["beside", "served"]

EVERY = 15  # seconds between two writings of the page: each takes a core for some seconds
LOOK = 0.5  # seconds between two looks for the first page


class _Quiet(SimpleHTTPRequestHandler):
    """Serves a folder; a page that is asked for again is read again, and nothing is logged."""

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def served(folder: Path, port: int) -> Iterator[str]:
    """Serve a folder on this machine's loopback address only; gives the address of its page.

    port: 0 takes a free one. Raises `UserError` if the port is taken.
    """
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), partial(_Quiet, directory=str(folder)))
    except (OSError, OverflowError) as error:
        raise UserError(
            f"port {port} cannot be used: {error}; `--serve` without a number takes a free one"
        ) from error
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/index.html"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def beside(sweep: Sweep) -> Iterator[None]:
    """While the block runs the sweep, write its report again and again; open it once.

    Another process writes it, as soon as the sweep is in the storage, and gives way to training.
    """
    ended = threading.Event()
    thread = threading.Thread(target=_follow, args=(sweep, ended))
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _follow(sweep: Sweep, ended: threading.Event) -> None:
    page = report_folder(sweep.storage, sweep.experiment) / "index.html"
    before = _written(page)
    while not sweep_file(sweep).exists():
        if ended.wait(LOOK):
            return
    command = ["report", sweep.experiment, "--storage", str(sweep.storage), "--watch"]
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "sweeper", *command, "--every", str(EVERY)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as writer:
        os.setpriority(os.PRIO_PROCESS, writer.pid, 10)
        while _written(page) == before and not ended.wait(LOOK):
            pass
        if _written(page) != before:
            webbrowser.open(page.absolute().as_uri())
        ended.wait()
        writer.terminate()


def _written(page: Path) -> float:
    return page.stat().st_mtime if page.exists() else 0.0
