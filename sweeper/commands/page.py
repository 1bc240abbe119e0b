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

__all__ = ["LivePage", "served"]

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


class LivePage:
    """The report of a sweep, written again and again while it runs, and opened once.

    Another process writes it, as soon as the sweep is in the storage, and gives way to training.
    `path` is its file, for those whose machine opens no browser.
    """

    def __init__(self, sweep: Sweep) -> None:
        self._sweep, self._ended = sweep, threading.Event()
        self.path = report_folder(sweep.storage, sweep.experiment).absolute() / "index.html"
        self._opened = False
        self._thread = threading.Thread(target=self._follow)

    def __enter__(self) -> LivePage:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """End the writing; nothing overwrites the page after this."""
        self._ended.set()
        self._thread.join()

    def show(self) -> None:
        """Open the page, unless it was opened."""
        if not self._opened and self.path.exists():
            self._opened = True
            webbrowser.open(self.path.as_uri())

    def _follow(self) -> None:
        before, sweep = _written(self.path), self._sweep
        while not sweep_file(sweep).exists():
            if self._ended.wait(LOOK):
                return
        command = ["report", sweep.experiment, "--sweep", sweep.name, "--watch"]
        command += ["--storage", str(sweep.storage), "--every", str(EVERY)]
        with subprocess.Popen(
            [sys.executable, "-P", "-m", "sweeper", *command],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as writer:
            os.setpriority(os.PRIO_PROCESS, writer.pid, 10)
            while _written(self.path) == before and not self._ended.wait(LOOK):
                pass
            if _written(self.path) != before:
                self.show()
            self._ended.wait()
            writer.terminate()


def _written(page: Path) -> float:
    return page.stat().st_mtime if page.exists() else 0.0
